"""Replay of a figure: one frame per generation, with buttons to play and pause and a slider."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.records import FrontGeneration, Generation

MOST_FRAMES: Final = 200
"""Largest number of frames; a longer search is replayed in even strides to spare the browser's memory."""
MOST_POINTS: Final = 100_000
"""Largest number of points in all frames together; larger populations are replayed in longer strides."""
SPEEDS: Final[Mapping[str, int]] = {"Play": 150, "Play fast": 40, "Play slowly": 600}
"""Milliseconds that a generation is shown, by button."""


class Replay(go.Figure):  # type: ignore[misc]  # Plotly has no types
    """Figure whose frames stay plain dictionaries until they are accessed.

    Plotly validates and copies every trace of every frame several times, which takes longer than everything else.
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
        """As in Plotly, with the arrays of frames in base64."""
        found: dict[str, Any] = super().to_dict()
        if self._moments:
            found["frames"] = _sent(self._moments)
        return found


def frame_places(generations: int, population: int, shown: int) -> list[int]:
    """Indices of the generations that become frames: at even strides, the last one, and the one shown first."""
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
    """Add a frame for each generation (or every k-th) to `figure`, which shows the generation at index `shown`.

    `draw` returns the traces that change at the index of a generation: the last of the figure's first four traces, all
    of one `kind`. A frame has at most `points` points, by default as many as the population has individuals.
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
    """Copy with arrays in the form that Plotly.js reads: four bytes per number, in base64."""
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
