"""The replay of a figure: one frame for each generation, with buttons to play and pause and a slider."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.records import FrontGeneration, Generation

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


def add_replay(
    figure: Replay,
    generations: Sequence[Generation | FrontGeneration],
    shown: int,
    draw: Callable[[int], list[dict[str, Any]]],
    *,
    height: int,
    kind: str = "scatter",
    points: int | None = None,
) -> None:
    """Give `figure` a frame for each generation (or every second or third one); it shows the one at place `shown`.

    `draw` gives what changes in the generation at a place: the traces up to the fourth of the figure, of one `kind`.
    A frame has at most so many `points`, by default those of the population.
    """
    most = points or max(len(each.individuals) for each in generations)
    frames = []
    for at in frame_places(len(generations), most, shown):
        data = [{"type": kind, **trace} for trace in draw(at)]
        name = str(generations[at].generation)
        frames.append({"name": name, "traces": list(range(4 - len(data), 4)), "data": data})
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
    names = [str(frame["name"]) for frame in frames]
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
                "active": names.index(str(generations[shown].generation)),
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
