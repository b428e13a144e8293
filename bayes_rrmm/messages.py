"""Validation errors of the records, said in words: the key, its value, the rule, the nearest valid key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bayes_rrmm.errors import nearest, shortened

_PLAIN = {
    "missing": "is required and missing; add it",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a table of keys and values",
    "model_type": "must be a table of keys and values",
    "tuple_type": "must be a list",
    "too_short": "must have at least one entry",
    "too_long": "has too many entries; remove some",
}

LATER = {
    ("EffectTable", "time"): "time-varying effects are not fitted by this version; use pooling: independent, pooled or horseshoe",
}
"""Keys of the contract that this version refuses, by their record, and why."""


def explain(error: ValidationError, record: type[BaseModel], where: str = "") -> str:
    """The first problem of `error` as one sentence: where it is, the value, the rule, the remedy."""
    problems = error.errors(include_url=False)
    problem = next((item for item in problems if item["type"] == "extra_forbidden"), None) or _closest(problems)
    location = [str(part) for part in problem["loc"] if not str(part).startswith(("function-", "literal["))]
    place, kind = _place(where, location), problem["type"]
    if kind == "extra_forbidden":
        owner, key = _owner(record, location), location[-1]
        if (owner.__name__, key) in LATER:
            return f"{place}: {LATER[owner.__name__, key]}."
        return f"{place}: unknown key {key!r}; {nearest(key, _keys(owner))}"
    if kind == "missing" and location[-1].isdigit():
        return f"{place}: has too few entries; add what is missing."
    value = problem["input"]
    shown = "" if kind == "missing" or isinstance(value, Mapping | BaseModel) else f" = {shortened(repr(value))}"
    if kind == "literal_error":
        allowed = problem["ctx"]["expected"].replace("'", '"')
        return f"{place}{shown}: must be {allowed}."
    if kind in _PLAIN:
        return f"{place}{shown}: {_PLAIN[kind]}."
    text = problem["msg"].removeprefix("Value error, ")
    text = text[0].lower() + text[1:] if text.startswith("Input") else text
    return f"{place}{shown}: {text.replace('input should', 'it should')}."


def _closest(problems: list[Any]) -> Any:
    """The problem to report. A value that fits none of several forms has one for each: that of the form it comes nearest to."""
    place = _place("", [str(part) for part in problems[0]["loc"]])
    same = [item for item in problems if _place("", [str(part) for part in item["loc"]]).startswith(place)]
    return max(same, key=lambda item: len(item["loc"]))


def _place(where: str, location: list[str]) -> str:
    parts = [part for part in location if not part.isdigit() and part not in _TYPES and "[" not in part]
    if where.startswith("[["):
        return ": ".join([where, ".".join(parts)] if parts else [where])
    return ".".join(part for part in ([where] if where else []) + parts) or "the analysis"


_TYPES = frozenset({"str", "int", "float", "bool", "tuple", "dict", "EffectTable", "CutRule", "list"})


def _keys(record: type[BaseModel]) -> list[str]:
    """The keys a record takes, as they are written in the file."""
    return [field.alias or name for name, field in record.model_fields.items() if not field.exclude]


def _owner(record: type[BaseModel], location: list[str]) -> type[BaseModel]:
    """The record whose key is wrong: followed down from the root by the names of the location."""
    current: type[BaseModel] = record
    for part in location[:-1]:
        field = current.model_fields.get(part)
        current = current if field is None else next(_records(field.annotation), current)
    return current


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    """The records inside a type such as `dict[str, Record | None]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _records(inner)
