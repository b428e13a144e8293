"""Validation errors of the records, said in words: the key, its value, the rule, the nearest valid key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bayes_rrmm.errors import nearest

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
}

LATER = {
    "frailty": "frailties are not fitted by this version",
    "landmark": "landmark analyses are not fitted by this version; use `entry` for delayed entry",
}
"""Keys of the contract that this version refuses, and why."""


def explain(error: ValidationError, record: type[BaseModel], where: str = "") -> str:
    """The first problem of `error` as one sentence: where it is, the value, the rule, the remedy."""
    problems = error.errors(include_url=False)
    problem = next((item for item in problems if item["type"] == "extra_forbidden"), problems[0])
    location = [str(part) for part in problem["loc"] if not str(part).startswith("function-")]
    owner = _owner(record, location)
    place = _place(where, location)
    kind = problem["type"]
    if kind == "extra_forbidden":
        key = location[-1]
        if key in LATER:
            return f"{place}: {LATER[key]}."
        return f"{place}: unknown key {key!r}; {nearest(key, owner.model_fields)}"
    if kind == "literal_error":
        allowed = problem["ctx"]["expected"].replace("'", '"')
        return f"{place} = {problem['input']!r}: must be {allowed}."
    if kind in _PLAIN:
        shown = "" if kind == "missing" else f" = {problem['input']!r}"
        return f"{place}{shown}: {_PLAIN[kind]}."
    text = problem["msg"].removeprefix("Value error, ")
    text = text[0].lower() + text[1:] if text.startswith("Input") else text
    shown = f" = {problem['input']!r}" if not isinstance(problem["input"], Mapping | BaseModel) else ""
    return f"{place}{shown}: {text.replace('input should', 'it should')}."


def _place(where: str, location: list[str]) -> str:
    parts = [part for part in location if not part.isdigit() and part not in _TYPES]
    return ".".join(part for part in ([where] if where else []) + parts) or "the analysis"


_TYPES = frozenset({"str", "int", "float", "bool", "tuple", "dict", "EffectTable", "CutRule", "list"})


def _owner(record: type[BaseModel], location: list[str]) -> type[BaseModel]:
    """The record whose key is wrong: followed down from the root by the names of the location."""
    current: type[BaseModel] = record
    for part in location[:-1]:
        field: Any = current.model_fields.get(part)
        if field is None:
            continue
        for candidate in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                current = candidate
                break
    return current
