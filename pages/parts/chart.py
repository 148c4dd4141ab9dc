"""Figures on a page, their descriptions in words, and the pictures that their camera button saves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from compressor_core.figures.theme import INK, PAPER
from compressor_core.figures.words.description import MOST_ROWS, figure_rows, figure_words, joined
from compressor_core.figures.words.links import without_links
from pages.parts.presenting import MARK, TYPE, presenting
from pages.parts.rows import dataframe

FORMATS = {"png": "PNG", "svg": "SVG"}
_FORMAT = "picture_format"


_left_out = ContextVar("left_out", default=False)


@contextmanager
def no_charts() -> Iterator[None]:
    """Skip charts while they have nothing to show: they cost the browser about a second per page."""
    before = _left_out.set(True)
    try:
        yield
    finally:
        _left_out.reset(before)


@dataclass(frozen=True)
class Drawing:
    """A figure that is ready to draw, and its description in words; shared between visitors, so not to be changed."""

    figure: go.Figure
    words: str


def drawing(figure: go.Figure, alt: str, theme: str | None, large: bool) -> Drawing:
    """Drawing in the colours of a theme, `large` for present mode; `alt` as in `chart`. Modifies the figure."""
    ink = INK.get(theme or "", INK["light"])
    # An opaque background keeps a picture saved in the dark theme readable on white paper.
    figure.update_layout(font={"color": ink}, paper_bgcolor=PAPER.get(theme or "", PAPER["light"]))
    for part in scales(figure):
        part.title.font.color = part.tickfont.color = ink
    if large:
        enlarge(figure)
    words = joined([re.sub(r"[`*\\]+", "", alt), figure_words(figure)])
    return Drawing(without_links(figure), words)


def chart(figure: go.Figure, key: str, alt: str, **more: Any) -> None:
    """Draw a figure in the colours of the visitor's theme; `more` goes to `st.plotly_chart`.

    `alt` describes the figure in words. Together with the description of its traces, it is the figure's name for screen
    readers, and it can be opened below the figure, with the points as a table. The camera button saves a picture in
    the format of `picture_format`, named after `key`.
    """
    if not _left_out.get():
        draw(drawing(figure, alt, st.context.theme.type, presenting()), key, **more)


def draw(ready: Drawing, key: str, **more: Any) -> None:
    """As `chart`, for a figure that is ready to draw."""
    picture = {
        "format": st.session_state.get(_FORMAT) or "png",
        "filename": re.sub(r"[^\w.-]+", "-", key),
        "scale": 2,
    }
    config = {"displaylogo": False, "toImageButtonOptions": picture}
    st.plotly_chart(ready.figure, key=key, config=config, alt=ready.words, **more)
    with st.expander("In words and numbers", type="compact", key=f"{key}/words", on_change="rerun") as described:
        if described.open:
            st.text(ready.words)
            rows = figure_rows(ready.figure)
            dataframe(rows, key=f"{key}/rows", height="auto" if len(rows) < 10 else 300)
            if len(rows) == MOST_ROWS:
                st.caption(f"The first {MOST_ROWS:,} points.")


def scales(figure: go.Figure) -> list[Any]:
    """All parts of a figure that have ticks and a title."""
    bars = [scale.colorbar for scale in figure.select_coloraxes()]
    return [*figure.select_xaxes(), *figure.select_yaxes(), *bars]


def enlarge(figure: go.Figure) -> None:
    """Enlarge type and marks so that they can be read from the last row."""
    figure.update_layout(font_size=TYPE, legend_font_size=TYPE, hoverlabel_font_size=TYPE)
    figure.update_annotations(font_size=TYPE)
    figure.update_shapes(label_font_size=TYPE)
    for part in scales(figure):  # Streamlit's theme has sizes of its own for these
        part.tickfont.size = part.title.font.size = TYPE
    for trace in figure.data:
        for holder in (trace, getattr(trace, "marker", None)):
            # A bar that has no settings is not drawn, and would be once it has any.
            if holder is not None and "colorbar" in holder and holder.colorbar.to_plotly_json():
                holder.colorbar.tickfont.size = holder.colorbar.title.font.size = TYPE
        if "textfont" in trace:
            trace.textfont.size = TYPE
        if trace.type in ("scatter", "scattergl") and "markers" in (trace.mode or "") and not trace.marker.size:
            trace.marker.size = MARK
        elif trace.type in ("scatter", "scattergl") and isinstance(trace.marker.size, int | float):
            trace.marker.size = max(trace.marker.size, MARK)


def picture_format() -> None:
    """Choice of the file format of pictures, on all pages."""
    st.segmented_control(
        "Pictures",
        list(FORMATS),
        default=None if _FORMAT in st.session_state else "png",
        required=True,
        key=_FORMAT,
        persist_state="session",
        format_func=FORMATS.__getitem__,
        help="What the camera button at the top right of every figure saves, here and on the other pages.",
    )
