"""nutpie's callbacks as written here: the draws of nutpie's own, by hash, for every part of a model and all that can go wrong.

Not tested: macOS and Windows, of which there is no machine here.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytest
from little import ROWS, digest, draws, little_model, smallest_model, values_of
from parts import PARTS, part
from pytensor.link.numba import cache as pytensor_cache

from bayes_rrmm.inference import build_model, callbacks
from bayes_rrmm.inference.callbacks import compile_for_nutpie
from bayes_rrmm.inference.inputs import model_inputs
from bayes_rrmm.inference.models.covariates import fixed_shape


def own_route(model: pm.Model) -> Any:
    """The model compiled by nutpie itself, with the same arithmetic."""
    with pytensor.config.change_flags(numba__fastmath=False):
        return nutpie.compile_pymc_model(model, backend="numba")


@pytest.fixture(scope="module")
def both() -> tuple[Any, Any]:
    """The little model by the callbacks of this package, and by nutpie's own."""
    model = little_model()
    ours = compile_for_nutpie(model)
    assert ours.compiled_logp_func.__name__ == "log_density"
    theirs = own_route(model)
    assert theirs.compiled_logp_func.__name__ == "logp_numba"
    return ours, theirs


@pytest.fixture(scope="module")
def smallest() -> str:
    """The draws of the smallest model by nutpie's own callbacks, in a hash."""
    return digest(draws(own_route(smallest_model())))


UPDATES = {
    "as compiled": {},
    "one row": values_of(1),
    "fewer rows": values_of(5),
    "more rows": values_of(40),
    "a number": {"spread": np.array(0.1)},
    "truth values": {"kept": np.arange(ROWS) % 2 == 0},
    "whole numbers": {"group": np.zeros(ROWS, dtype=np.int64)},
}


@pytest.mark.parametrize("update", UPDATES)
def test_other_data_give_the_draws_of_the_own_route(update: str, both: tuple[Any, Any]) -> None:
    """After `with_data` of any kind and length the draws are nutpie's own, on one core and on two, and are of these data."""
    ours, theirs = (compiled.with_data(**UPDATES[update]) for compiled in both)
    found = digest(draws(ours))
    assert found == digest(draws(theirs)) == digest(draws(ours, cores=1))
    assert (found == digest(draws(both[0]))) is (update == "as compiled")


def test_arrays_that_the_caller_forgets_are_kept(both: tuple[Any, Any]) -> None:
    """The data of a compiled model outlive the arrays that they were given as."""
    given = values_of(2000, seed=8)
    expected = digest(draws(both[1].with_data(**given)))
    compiled = both[0].with_data(**given)
    del given
    gc.collect()
    rubbish = [np.full((2000, 2), 1e9 * number) for number in range(50)]
    assert digest(draws(compiled)) == expected
    assert rubbish[1][0, 0] == 1e9


def called(compiled: Any, point: np.ndarray, size: int | None = None) -> tuple[int, float, np.ndarray]:
    """What the callback returns at a point, with the density and gradient that it wrote."""
    gradient, density = np.full(len(point), np.nan), np.full(1, np.nan)
    address = ctypes.POINTER(ctypes.c_double)
    code = compiled.compiled_logp_func.ctypes(
        len(point) if size is None else size,
        *(array.ctypes.data_as(address) for array in (point, gradient, density)),
        ctypes.c_void_p(compiled.user_data.ctypes.data),
    )
    return code, float(density[0]), gradient


def test_codes_are_those_of_the_own_route(both: tuple[Any, Any]) -> None:
    """0 with density and gradient; an error for rows that do not match, a gradient or a density that is not finite, and another
    size than the model's, each with nutpie's own code."""
    point = np.linspace(-0.5, 0.5, 6)
    assert called(both[0], point)[:2] == called(both[1], point)[:2]
    np.testing.assert_array_equal(called(both[0], point)[2], called(both[1], point)[2])
    not_matching = {"x": np.zeros((7, 2))}
    cases: list[tuple[dict[str, Any], np.ndarray, int | None, int]] = [
        ({}, point, None, 0),
        (not_matching, point, None, 1),
        ({}, np.full(6, np.nan), None, 3),
        ({"x": np.full((ROWS, 2), np.inf)}, point, None, 3),
        ({"spread": np.array(-1.0)}, point, None, 4),
        ({}, point, 5, -1),
    ]
    for update, at, size, code in cases:
        ours, theirs = (compiled.with_data(**update) for compiled in both)
        assert called(ours, at, size)[0] == called(theirs, at, size)[0] == code


def test_rows_that_do_not_match_end_as_on_the_own_route(both: tuple[Any, Any]) -> None:
    """Data of unequal length are an error of the sampler, on both routes the same one; no draws come of them."""
    ended = []
    for compiled in both:
        with pytest.raises(Exception, match=r".+") as error:
            draws(compiled.with_data(x=np.zeros((7, 2))))
        ended.append((error.type, str(error.value)))
    assert ended[0] == ended[1]


@pytest.mark.full
def test_a_density_that_raises_is_a_divergence_as_on_the_own_route() -> None:
    """A model that raises an error in part of its space has divergences there, in the same draws as on nutpie's own route."""
    model = little_model(limit=0.8)
    ours, theirs = draws(compile_for_nutpie(model)), draws(own_route(model))
    assert ours["diverging"].any()
    assert ours["level"][..., 0].max() < 0.8
    assert digest(ours) == digest(theirs)


def renamed(pieces: Any) -> SimpleNamespace:
    """nutpie's module without one of the functions used here."""
    return SimpleNamespace(**{name: value for name, value in vars(pieces).items() if name != "make_user_data"})


def with_small_words(pieces: Any) -> SimpleNamespace:
    """nutpie's module with a record whose shapes are of four bytes."""

    def make_user_data(keys: Any, shared: Any) -> Any:
        record = pieces.make_user_data(keys, shared)
        parts = record.dtype.fields["shared"][0].fields
        small = [(key, np.uint32, field[0].shape) for key, field in parts["shape"][0].fields.items()]
        return np.zeros((), np.dtype([("shared", [("data", parts["data"][0]), ("size", parts["size"][0]), ("shape", small)])]))

    return SimpleNamespace(**{**vars(pieces), "make_user_data": make_user_data})


@pytest.mark.parametrize("changed", [renamed, with_small_words])
def test_another_nutpie_is_taken_as_it_is(
    changed: Callable[[Any], Any], both: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nutpie's pieces have other names or layouts the model goes nutpie's own way, and one line of the log says so."""
    pieces = callbacks._pieces()
    monkeypatch.setattr(callbacks, "_pieces", lambda: changed(pieces))
    monkeypatch.setattr(nutpie, "compile_pymc_model", lambda model, backend: (model, backend, "its own"))
    with caplog.at_level(logging.WARNING, "bayes_rrmm"):
        found = compile_for_nutpie(little_model())
    assert found[1:] == ("numba", "its own")
    assert len(caplog.records) == 1
    assert "own, slower, route" in caplog.text


def test_nothing_of_nutpie_is_changed(both: tuple[Any, Any]) -> None:
    """Compiling here leaves nutpie's own functions in place for whoever else uses it in the process."""
    pieces = callbacks._pieces()
    assert all(value.__module__ == pieces.__name__ for value in (pieces._make_functions, pieces._make_c_logp_func))
    assert pytensor.config.numba__fastmath is True


def _fail_undisturbed() -> None:
    with callbacks.undisturbed():
        assert not gc.isenabled()
        assert pytensor.config.traceback__limit == 0
        raise ZeroDivisionError


@pytest.mark.parametrize("collecting", [True, False])
def test_compiling_leaves_the_process_as_it_was(collecting: bool) -> None:
    """Collection of garbage is on again, or off, as it was, and traces of variables too, also where the model is none."""
    limit, before = pytensor.config.traceback__limit, gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError):
            _fail_undisturbed()
        assert gc.isenabled() == collecting
        assert pytensor.config.traceback__limit == limit
    finally:
        (gc.enable if before else gc.disable)()


def test_a_cache_that_cannot_be_written_costs_time_only(
    smallest: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Without a folder for what is compiled the draws are the same, and one line of the log says why it took longer."""
    monkeypatch.setattr(pytensor_cache, "NUMBA_CACHE_PATH", tmp_path / "file" / "numba")
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING, "bayes_rrmm"):
        compiled = compile_for_nutpie(smallest_model())
    assert [record.getMessage().split(" cannot")[0] for record in caplog.records] == [str(tmp_path / "file" / "numba")]
    assert compiled.compiled_logp_func.__name__ == "log_density"
    assert digest(draws(compiled)) == smallest


def test_what_is_compiled_is_kept_under_all_that_it_is_made_of(both: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of a callback changes with its source, with the function it calls and with each version; where PyTensor has no key
    for that function there is none."""
    inner = both[0].logp_func.vm.jit_fn
    key = callbacks._key("source", inner)
    assert key == callbacks._key("source", inner)
    assert key != callbacks._key("other", inner)
    assert key != callbacks._key("source", both[0].expand_func.vm.jit_fn)
    for package in callbacks.VERSIONS:
        with monkeypatch.context() as patch:
            patch.setattr(callbacks, "version", lambda name, package=package: "0" if name == package else "1")
            changed = callbacks._key("source", inner)
            patch.setattr(callbacks, "version", lambda _: "1")
            assert changed != callbacks._key("source", inner)
    assert callbacks._key("source", SimpleNamespace(py_func=lambda: None)) is None


PROCESS = """
import json, sys
sys.path[:0] = {path!r}
from bayes_rrmm.inference.callbacks import compile_for_nutpie, load_sampler
load_sampler()
from little import digest, draws, smallest_model
compiled = compile_for_nutpie(smallest_model())
hits = compiled.compiled_logp_func.cache_hits + compiled.compiled_expand_func.cache_hits
print(json.dumps([digest(draws(compiled, cores={cores})), hits]))
"""


def test_processes_share_a_cache(smallest: str, tmp_path: Path) -> None:
    """Two processes that fill one empty cache at once, on one and on two cores, and a third that finds it full, have the draws of
    nutpie's own route in this one; the third compiles no callback."""

    def start(cores: int) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"}
        code = PROCESS.format(path=[str(Path(__file__).parent)], cores=cores)
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)

    fresh = [start(1), start(2)]
    for process in fresh:
        shown, _ = process.communicate()
        assert json.loads(shown)[0] == smallest
    shown, _ = start(2).communicate()
    assert json.loads(shown) == [smallest, 2]


@pytest.mark.parametrize("name", PARTS)
def test_shapes_said_to_be_fixed_are_decided_by_the_structure(name: str) -> None:
    """With half the rows every input has the shape that its model was told, in each axis that it was told of."""
    cohort, plan = part(name)
    whole = model_inputs(plan, cohort)
    half = model_inputs(plan, cohort.select(np.arange(len(cohort)) % 2 == 0))
    assert whole.keys() == half.keys()
    for key, values in whole.items():
        told = fixed_shape(key, np.shape(values))
        assert all(size in (None, found) for size, found in zip(told, np.shape(half[key]), strict=True)), key


@pytest.mark.full
@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_the_draws_of_the_own_route(name: str, compared: list[dict[str, Any]]) -> None:
    """Each part of a model, compiled here and by nutpie itself, gives the same draws by hash."""
    cohort, plan = part(name)
    model = build_model(plan, cohort)
    ours, theirs = compile_for_nutpie(model), own_route(model)
    assert ours.compiled_logp_func.__name__ == "log_density"
    hashes = [digest(draws(compiled)) for compiled in (ours, theirs)]
    compared.append({"part": name, "draws": hashes[0], "own_route": hashes[1], "arrays": len(ours.shared_data)})
    assert hashes[0] == hashes[1]
