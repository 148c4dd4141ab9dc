"""Figures on a page, and the picture files that their camera button saves."""

from __future__ import annotations

import re
from typing import Any

import plotly.graph_objects as go
import streamlit as st

INK = {"light": "#1d2733", "dark": "#e8ecf0"}
PAPER = {"light": "#ffffff", "dark": "#12171d"}
"""The backgrounds of `.streamlit/config.toml`: a picture taken in the dark theme is read on white paper too."""
FORMATS = {"png": "PNG", "svg": "SVG"}
_FORMAT = "picture_format"


def chart(figure: go.Figure, key: str, **more: Any) -> None:
    """Draw a figure in the colours of the visitor's theme; `more` goes to `st.plotly_chart`.

    Its camera button saves a picture in the format of `picture_format`, named after `key`.
    """
    theme = st.context.theme.type or "light"
    ink = INK.get(theme, INK["light"])
    figure.update_layout(font={"color": ink}, paper_bgcolor=PAPER.get(theme, PAPER["light"]))
    figure.update_xaxes(title_font_color=ink, tickfont_color=ink)
    figure.update_yaxes(title_font_color=ink, tickfont_color=ink)
    figure.update_coloraxes(colorbar_tickfont_color=ink, colorbar_title_font_color=ink)
    picture = {
        "format": st.session_state.get(_FORMAT) or "png",
        "filename": re.sub(r"[^\w.-]+", "-", key),
        "scale": 2,
    }
    st.plotly_chart(figure, key=key, config={"displaylogo": False, "toImageButtonOptions": picture}, **more)


def picture_format() -> None:
    """A choice of the file format of every picture, on this page and the others."""
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
