"""JSON as every command prints it."""

from __future__ import annotations

import json
import math
from typing import Any


def to_json(content: Any) -> str:
    """JSON in which missing numbers are null and a median not reached is the text "Infinity"."""
    return json.dumps(_plain(content), indent=2, default=str, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else "Infinity" if math.isinf(value) else float(value)
    if hasattr(value, "item"):
        return _plain(value.item())
    return value
