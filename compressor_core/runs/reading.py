"""Values from files that may be damaged: what is not as it should be reads as None."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any


def parse(data: bytes) -> Any:
    """The JSON in `data`; None if it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with suppress(OverflowError):
        if math.isfinite(value):
            return float(value)
    return None


def text(value: object) -> str | None:
    return value if isinstance(value, str) else None
