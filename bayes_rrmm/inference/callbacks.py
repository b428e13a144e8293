"""The two C callbacks that nutpie calls while it samples, compiled once a machine and read from disk by every later process.

nutpie's own callbacks unpack each `pm.Data` by code that numba compiles anew in every process, and slowly: 6 s for two arrays,
27 s for twenty-six. These say the same in a line an array, and are kept in PyTensor's cache beside the log density they call.
What a model's density is, the PyMC model alone says; nutpie is asked for the functions, and nothing in it is changed.
"""

from __future__ import annotations

import gc
import importlib
import logging
import sys
import tempfile
import threading
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pymc as pm
import pytensor
from filelock import FileLock, Timeout
from numba import types
from numba.core.errors import NumbaWarning
from pymc.initial_point import make_initial_point_fn
from pytensor.link.numba import cache as pytensor_cache

from bayes_rrmm.errors import shortened

logger = logging.getLogger("bayes_rrmm")

VERSIONS = ("pytensor", "numba", "nutpie", "numpy")
"""Packages whose machine code goes into a callback: another version of one of them is another entry of the cache."""

LONGEST = 180.0
"""Seconds that no compilation takes."""

LOG_DENSITY_SIGNATURE = types.int64(
    types.uint64, types.CPointer(types.float64), types.CPointer(types.float64), types.CPointer(types.float64), types.voidptr
)
LOG_DENSITY = """
def log_density(size, point_, gradient_, density_, data_):
    if size != {size}:
        return -1
    try:
        point = carray(point_, ({size},))
        gradient = carray(gradient_, ({size},))
        density = carray(density_, (1,))
        words = carray(data_, ({words},), dtype=int64)
{arrays}
        value, slope = inner({arguments})
        if slope.size != {size}:
            return -1
        density[0] = value.item()
        finite = True
        for i in range({size}):
            gradient[i] = slope[i]
            finite = finite and isfinite(slope[i])
        if not finite:
            return 3
        if not isfinite(density[0]):
            return 4
    except Exception:
        return 1
    return 0
"""
"""Log density and gradient at a point. Returns what nutpie's does: 0; 1, 3 and 4 where an error, a gradient or a density that is
not finite makes the step a divergence; -1, which ends the sampling, where sizes are not those of the model."""

EXPANDED_SIGNATURE = types.int64(
    types.uint64, types.uint64, types.CPointer(types.float64), types.CPointer(types.float64), types.voidptr
)
EXPANDED = """
def expanded(size, expanded_size, point_, values_, data_):
    if size != {size} or expanded_size != {expanded_size}:
        return -1
    try:
        point = carray(point_, ({size},))
        values = carray(values_, ({expanded_size},))
        words = carray(data_, ({words},), dtype=int64)
{arrays}
        (found,) = inner({arguments})
        if found.size != {expanded_size}:
            return -1
        for i in range({expanded_size}):
            values[i] = found[i]
    except Exception:
        return -2
    return 0
"""
"""The values of all variables at a point. Returns 0, or what ends the sampling: -1 for sizes, -2 for an error."""


def compile_for_nutpie(model: pm.Model) -> Any:
    """The model as nutpie samples it, a `CompiledPyMCModel`, in a second or two where this machine has compiled its like before.

    Compiled without numba's fastmath, under which rounding would depend on what was in the cache. A cache that cannot be written
    costs time and a line of the log; so does a nutpie whose pieces are not those this was written for: its own callbacks then
    serve. Raises what PyMC, PyTensor or nutpie raise of the model.
    """
    with pytensor.config.change_flags(numba__fastmath=False):
        if pytensor.config.numba__cache and not _is_writable():
            logger.warning("%s cannot be written: what is compiled will be compiled again next time.", _folder())
            with pytensor.config.change_flags(numba__cache=False):
                return _compiled(model)
        return _compiled(model)


@contextmanager
def one_process_at_a_time(what: str) -> Iterator[None]:
    """Of processes that want the same compiled, one compiles it, and the others find it in the cache.

    Where that cannot be arranged, or takes longer than any compilation, they all compile: the same comes of it.
    """
    name = sha256(what.encode()).hexdigest()[:24]
    with ExitStack() as held:
        with suppress(OSError, Timeout):
            held.enter_context(FileLock(Path(pytensor.config.base_compiledir) / f"bayes_rrmm-{name}.lock", timeout=LONGEST))
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without what slows a compiler of hundred thousand small objects by a fifth: collections of garbage, of which it makes little,
    and a stack trace for every variable. Whoever has turned collection off finds it off afterwards."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with pytensor.config.change_flags(traceback__limit=0):
            yield
    finally:
        if collecting:
            gc.enable()


_LOADING = threading.Lock()


def load_sampler() -> ModuleType:
    """nutpie, imported without the whole of ArviZ and its plots, of which it uses two functions of arviz_base.

    Whoever imports arviz afterwards gets all of it. Imports take seconds, which are then not counted as compiling.
    """
    with _LOADING:
        if "nutpie" in sys.modules or "arviz" in sys.modules:
            return importlib.import_module("nutpie")
        sys.modules["arviz"] = importlib.import_module("arviz_base")
        try:
            return importlib.import_module("nutpie")
        finally:
            del sys.modules["arviz"]


def _compiled(model: pm.Model) -> Any:
    nutpie = load_sampler()
    try:
        return _with_own_callbacks(model)
    except Exception as error:  # whatever it is: nutpie's own route works, or says what is wrong with the model
        reason = shortened(f"{type(error).__name__}: {error}", 200)
        logger.warning("nutpie %s: compiled by its own, slower, route (%s).", nutpie.__version__, reason)
        return nutpie.compile_pymc_model(model, backend="numba")


def _with_own_callbacks(model: pm.Model) -> Any:
    pieces = _pieces()
    size, expanded_size, density, expansion, first_point, shape_info, reparameterized = pieces._make_functions(
        model, mode="NUMBA", compute_grad=True, join_expanded=True, pymc_initial_point_fn=_jittered_centre(model)
    )
    keys = {variable: uuid.uuid4().hex for variable in [*density.get_shared(), *expansion.get_shared()]}
    shared = {key: _frozen(variable.get_value()) for variable, key in keys.items()}
    user_data = pieces.make_user_data(keys, shared)

    def arrays_of(function: Any) -> list[tuple[str, Any]]:
        return [(keys[variable], shared[keys[variable]]) for variable in function.get_shared()]

    sizes = {"size": size, "expanded_size": expanded_size}
    void_pointer = pieces.address_as_void_pointer
    compiled_density = _callback(LOG_DENSITY, LOG_DENSITY_SIGNATURE, density, arrays_of(density), user_data, void_pointer, sizes)
    compiled_expansion = _callback(EXPANDED, EXPANDED_SIGNATURE, expansion, arrays_of(expansion), user_data, void_pointer, sizes)
    dims, coords = pieces._prepare_dims_and_coords(model, shape_info, reparameterized)
    return pieces.CompiledPyMCModel(
        _n_dim=size,
        dims=dims,
        _coords=coords,
        _shapes={name: tuple(shape) for name, _, shape in zip(*shape_info, strict=True)},
        compiled_logp_func=compiled_density,
        compiled_expand_func=compiled_expansion,
        initial_point_func=first_point,
        shared_data=shared,
        shared_var_keys=keys,
        user_data=user_data,
        n_expanded=expanded_size,
        shape_info=shape_info,
        logp_func=density,
        expand_func=expansion,
        reparameterized_names=reparameterized,
    )


def _pieces() -> Any:
    """The module of nutpie whose functions are used here, some of them without the promise that a public name is."""
    load_sampler()
    return importlib.import_module("nutpie.compile_pymc")


def _jittered_centre(model: pm.Model) -> Callable[[Any], Any]:
    """Where nutpie starts a chain: made when it is first asked for, and for one thread at a time."""
    lock = threading.Lock()
    made: list[Callable[[Any], Any]] = []

    def initial_point(seed: Any) -> Any:
        with lock:
            if not made:
                free = set(model.free_RVs)
                made.append(make_initial_point_fn(model=model, jitter_rvs=free, return_transformed=True))
            return made[0](seed)

    return initial_point


def _frozen(values: Any) -> Any:
    array = np.array(values, order="C", copy=True)
    array.flags.writeable = False
    return array


def _callback(
    template: str,
    signature: Any,
    function: Any,
    arrays: list[tuple[str, Any]],
    user_data: Any,
    void_pointer: Callable[..., Any],
    sizes: dict[str, int],
) -> Any:
    """The callback around a compiled PyTensor function, from PyTensor's cache where it is there."""
    inner = function.vm.jit_fn
    names = [f"array_{index}" for index in range(len(arrays))]
    lines = [f"        {name} = {_array(key, array, user_data)}" for name, (key, array) in zip(names, arrays, strict=True)]
    source = template.format(
        **sizes, words=user_data.dtype.itemsize // 8, arrays="\n".join(lines), arguments=", ".join(["point", *names])
    )
    environment = {
        "__name__": __name__,  # numba looks this module up when it reads the callback back
        "carray": numba.carray,
        "isfinite": np.isfinite,
        "int64": np.int64,
        "inner": inner,
        "void_pointer": void_pointer,
        **{f"dtype_{array.dtype.name}": array.dtype.type for _, array in arrays},
    }
    key = _key(source, inner)
    name = source.split("(", 1)[0].split()[-1]
    compiled = pytensor_cache.compile_numba_function_src(source, name, environment, cache_key=key)
    with warnings.catch_warnings():  # a function that numba does not cache is compiled again next time, which is all it says
        warnings.filterwarnings("ignore", message=".*Cannot cache compiled function", category=NumbaWarning)
        return numba.cfunc(signature, cache=key is not None)(compiled)


def _array(key: str, array: Any, user_data: Any) -> str:
    """The expression for an array of nutpie's record: its address and shape are words of the record."""
    shared, start = user_data.dtype.fields["shared"][:2]
    address = _word(shared, start, "data", key, ())
    first = _word(shared, start, "shape", key, (array.ndim,))
    shape = "".join(f"words[{first + axis}], " for axis in range(array.ndim))
    return f"carray(void_pointer(words[{address}]), ({shape}), dtype=dtype_{array.dtype.name})"


def _word(shared: Any, start: int, part: str, key: str, shape: tuple[int, ...]) -> int:
    """The position of a field of the record, in words of eight bytes. Raises TypeError where it is not made of such words."""
    fields, offset = shared.fields[part][:2]
    field, within = fields.fields[key][:2]
    byte = start + offset + within
    if field.base.itemsize != 8 or field.base.kind != "u" or field.shape != shape or byte % 8:
        raise TypeError(f"nutpie's record has {field} at byte {byte} for {part}, not words of 8 bytes")
    return int(byte // 8)


def _key(source: str, inner: Any) -> str | None:
    """What the callback is kept under; None where PyTensor has no key for the function it calls, or is told not to cache."""
    key = pytensor_cache.CACHED_SRC_FUNCTIONS.get(inner.py_func) if pytensor.config.numba__cache else None
    if key is None:
        return None
    return sha256("\n".join([source, key, *_versions(VERSIONS)]).encode()).hexdigest()


def _versions(names: Iterable[str]) -> list[str]:
    return [f"{name} {version(name)}" for name in names]


def _folder() -> Any:
    return pytensor_cache.NUMBA_CACHE_PATH


def _is_writable() -> bool:
    try:
        with tempfile.TemporaryFile(dir=_folder()) as file:
            file.write(b"\0" * 65536)
    except OSError:
        return False
    return True
