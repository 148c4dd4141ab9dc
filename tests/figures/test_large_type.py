"""Type of a chart in present mode."""

from __future__ import annotations

import plotly.graph_objects as go

from pages.parts.chart import drawing
from pages.parts.presenting import TYPE


def test_ticks_and_labels_of_a_large_chart_can_be_read_from_the_last_row() -> None:
    figure = go.Figure(go.Scatter(x=[1], y=[1], text=["one"], mode="text", textfont={"size": 11}))
    figure.update_yaxes(tickfont_size=11)
    large = drawing(figure, "One point.", "light", large=True).figure
    assert large.data[0].textfont.size == TYPE
    assert large.layout.xaxis.tickfont.size == large.layout.yaxis.tickfont.size == TYPE


def test_a_colour_bar_is_enlarged_and_none_comes_to_be() -> None:
    points = go.Scatter(x=[1], y=[1], mode="markers")
    with_bar = go.Scatter(x=[1], y=[1], mode="markers", marker={"color": [1], "colorbar": {"title": {"text": "n"}}})
    plain, coloured = drawing(go.Figure([points, with_bar]), "Two points.", "light", large=True).figure.data
    assert plain.marker.colorbar.to_plotly_json() == {}
    assert coloured.marker.colorbar.tickfont.size == TYPE
