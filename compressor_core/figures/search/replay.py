"""The replay of a figure: one frame for each generation, with buttons to play and pause and a slider."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from compressor_core.figures import theme

MOST_FRAMES: Final = 200
"""A longer search is replayed in even strides, so that the browser need not hold more."""
MOST_POINTS: Final = 100_000
"""In all frames together; a search of larger populations is replayed in longer strides."""
SPEEDS: Final[Mapping[str, int]] = {"Play": 150, "Play fast": 40, "Play slowly": 600}
"""Milliseconds a generation is shown."""


class Replay(go.Figure):  # type: ignore[misc]  # Plotly has no types
    """A figure whose frames stay as they are given until somebody looks at one.

    Plotly checks and copies every trace of every frame several times over, which takes longer than all the rest.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._moments: list[dict[str, Any]] = []
        super().__init__(*arguments, **more)

    @property
    def frames(self) -> tuple[go.Frame, ...]:
        return tuple(go.Frame(moment) for moment in self._moments)

    @frames.setter
    def frames(self, moments: Sequence[dict[str, Any]]) -> None:
        self._moments = list(moments)

    def to_dict(self) -> dict[str, Any]:
        """As Plotly's, numbers in base64."""
        found: dict[str, Any] = super().to_dict()
        if self._moments:
            found["frames"] = _sent(self._moments)
        return found


def frame_places(generations: int, population: int, shown: int) -> list[int]:
    """Which of the generations (by place) are frames: even strides, the last one, and the one that is shown first."""
    most = max(2, min(MOST_FRAMES, MOST_POINTS // max(population, 1)))
    stride = max(1, -(-generations // most))
    return sorted({*range(0, generations, stride), generations - 1, shown})


def add_replay(figure: Replay, frames: Sequence[dict[str, Any]], shown: str, *, height: int) -> None:
    """Gives `figure` its frames (name, traces, data), named after their generations; it shows the frame `shown`."""
    figure.frames = frames
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    buttons: list[dict[str, Any]] = [
        {
            "label": label,
            "method": "animate",
            "args": [
                None,
                {"fromcurrent": True, "frame": {"duration": pace, "redraw": True}, "transition": {"duration": 0}},
            ],
        }
        for label, pace in SPEEDS.items()
    ]
    buttons.insert(1, {"label": "Pause", "method": "animate", "args": [[None], still]})
    widget = {"bgcolor": "rgba(138,146,155,0.12)", "bordercolor": theme.MUTED}
    names = [frame["name"] for frame in frames]
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "right",
                "showactive": False,
                "x": 0,
                "xanchor": "left",
                "y": -0.17,
                "yanchor": "top",
                "pad": {"t": 4, "b": 4},
                "buttons": buttons,
                **widget,
            }
        ],
        sliders=[
            {
                "active": names.index(shown),
                "x": 0,
                "len": 1,
                "y": -0.29,
                "yanchor": "top",
                "pad": {"t": 10, "b": 4},
                "currentvalue": {"prefix": "Generation ", "xanchor": "left"},
                "tickcolor": theme.MUTED,
                "activebgcolor": theme.BEST,
                "minorticklen": 0,
                "steps": [{"label": name, "method": "animate", "args": [[name], still]} for name in names],
                **widget,
            }
        ],
        height=height,
    )


def _sent(value: Any) -> Any:
    """A copy in which arrays are as Plotly.js takes them: four bytes a number, in base64."""
    if isinstance(value, Mapping):
        return {key: _sent(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_sent(one) for one in value]
    if not isinstance(value, np.ndarray):
        return value
    if not value.size or value.dtype.kind not in "fi":
        return value.tolist()
    numbers = value.astype(f"<{value.dtype.kind}4")
    sent = {"dtype": numbers.dtype.str[1:], "bdata": base64.b64encode(numbers.tobytes()).decode()}
    return {**sent, "shape": ", ".join(map(str, numbers.shape))} if numbers.ndim > 1 else sent
