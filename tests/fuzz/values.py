"""What the targets are fed: plain values and bytes, arbitrary ones and nearly right ones."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

EDGES = (0, 1, 2, -1, 3, 7, 255, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**19, 10**400)
"""Whole numbers at which something tends to change."""
ODD_TEXTS = (
    "",
    " ",
    "\n",
    "\0",
    "\ud800",
    "∞",
    "nan",
    "1e999",
    "-0",
    "٣",
    "1_000",
    "../..",
    "/",
    "=1+1",
    "<b>",
    "𝕏" * 30,
)

whole_numbers = st.integers() | st.sampled_from(EDGES)
numbers = whole_numbers | st.floats() | st.booleans()
texts = st.text(max_size=40) | st.sampled_from(ODD_TEXTS) | st.text(st.characters(codec=None), max_size=10)
scalars = st.none() | numbers | texts
plain_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)
"""What JSON can hold, and NaN."""


def cheap(share: int) -> Callable[[Any], Any]:
    """For targets whose examples cost much: one in `share` of the profile's examples, three at least."""
    return settings(max_examples=max(3, settings.default.max_examples // share))  # type: ignore[union-attr]


@st.composite
def edited(draw: Draw, right: Any, most: int = 3) -> Any:
    """A plain value with up to `most` of its parts replaced, removed, doubled or added."""
    value = copy.deepcopy(right)
    for _ in range(draw(st.integers(0, most))):
        places = list(_places(value))
        if not places:
            return draw(plain_values)
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(("replace", "replace", "remove", "add"))):
            case "replace":
                holder[key] = draw(plain_values)
            case "remove":
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[draw(texts)] = draw(plain_values)
            case "add":
                holder.insert(key, draw(plain_values))
    return value


def _places(value: Any) -> Any:
    """Every part of a plain value, as what holds it and the key or index there."""
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    else:
        return
    for key, part in inside:
        yield value, key
        yield from _places(part)


@st.composite
def damaged(draw: Draw, right: bytes) -> bytes:
    """Bytes of a file that was cut off, overwritten, doubled in part, or is another file altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))  # type: ignore[no-any-return]
    data = bytearray(right)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("cut", "overwrite", "insert", "double"))):
            case "cut":
                del data[start:]
            case "overwrite":
                new = draw(st.binary(min_size=1, max_size=8))
                data[start : start + len(new)] = new
            case "insert":
                data[start:start] = draw(st.binary(min_size=1, max_size=8))
            case "double":
                data[start:start] = data[start : start + draw(st.integers(1, 64))]
    return bytes(data)
