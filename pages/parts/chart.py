"""Figures on a page."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

INK = {"light": "#1d2733", "dark": "#e8ecf0"}


def chart(figure: go.Figure, key: str, **more: Any) -> None:
    """Draw a figure in the colours of the visitor's theme; `more` goes to `st.plotly_chart`."""
    ink = INK.get(st.context.theme.type or "light", INK["light"])
    figure.update_layout(font={"color": ink})
    figure.update_xaxes(title_font_color=ink, tickfont_color=ink)
    figure.update_yaxes(title_font_color=ink, tickfont_color=ink)
    st.plotly_chart(figure, key=key, config={"displaylogo": False}, **more)
