"""Protection of figures from links in external names: Plotly interprets some HTML, including links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TAG = re.compile(r"<(?!/?(?:b|br|i|sub|sup|extra)>)")
"""Beginning of any tag except those that this program writes."""
_TEXTS: Final = ("name", "text", "hovertext", "hovertemplate", "customdata", "x", "y")


def without_links(figure: go.Figure) -> go.Figure:
    """Escape all tags in the texts of a figure, except those for bold, italics, breaks, subscripts and superscripts.

    Modifies and returns the figure.
    """
    for trace in figure.data:
        for name in _TEXTS:
            if name in trace and (value := trace[name]) is not None and _tagged(value):
                trace[name] = _plain(value)
    for part in _parts(figure):
        for name in ("text", "hovertext", "ticktext"):
            if name in part and (value := part[name]) is not None and _tagged(value):
                part[name] = _plain(value)
    return figure


def _parts(figure: go.Figure) -> Iterator[Any]:
    yield from figure.layout.annotations
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        yield axis
        yield axis.title


def _tagged(value: Any) -> bool:
    if isinstance(value, str):
        return _TAG.search(value) is not None
    if hasattr(value, "dtype"):
        return value.dtype.kind in "OU" and any(map(_tagged, value.tolist()))
    return isinstance(value, list | tuple) and any(map(_tagged, value))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _TAG.sub("&lt;", value)
    if hasattr(value, "dtype"):
        value = value.tolist()
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
