"""Figures of a search: from its records to what they show (`SearchInfo`), and from that to Plotly figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from compressor_core.figures import theme

GENE_TITLES: Final[Mapping[str, str]] = {
    "vocab_size": "Vocabulary",
    "hidden_size": "Width",
    "num_hidden_layers": "Layers",
    "num_attention_heads": "Heads",
    "intermediate_size": "Feed-forward",
}
"""The five genes, in the order of the short form V,H,L,A,I."""

MOST_FRAMES: Final = 200
"""A longer search is replayed in even strides, so that the browser need not hold more."""
SPEEDS: Final[Mapping[str, int]] = {"Play": 150, "Play fast": 40, "Play slowly": 600}
"""Milliseconds a generation is shown."""

Individual = Mapping[str, Any]


@dataclass(frozen=True)
class GenerationInfo:
    """One generation. `seen` counts the candidates that had appeared by its end."""

    number: int
    individuals: tuple[Individual, ...]
    best: Individual | None
    mean_fitness: float | None
    diversity: float
    evaluations: int
    seen: int


@dataclass(frozen=True)
class SearchInfo:
    """A search so far. `candidates` are all individuals that ever survived, each once, by first appearance."""

    budget_mb: float
    soft: bool
    """Whether the budget is the paper's soft penalty and not a cap."""
    generations: tuple[GenerationInfo, ...]
    candidates: tuple[Individual, ...]
    optimum: Individual | None

    @property
    def last(self) -> GenerationInfo | None:
        return self.generations[-1] if self.generations else None

    @property
    def best(self) -> Individual | None:
        return self.last.best if self.last else None

    @property
    def gap(self) -> float | None:
        """How far the best is below the optimum, as a share of it; None while there are not both."""
        if self.best is None or self.optimum is None:
            return None
        goal = float(self.optimum["fitness"])
        return (goal - float(self.best["fitness"])) / abs(goal)


def search_info(records: Iterable[Mapping[str, Any]], budget_mb: float, *, soft: bool = False) -> SearchInfo:
    """From the records of a search run, in any state; other records are passed over."""
    generations: dict[int, GenerationInfo] = {}
    candidates: dict[int, Individual] = {}
    optimum: Individual | None = None
    for record in records:
        if record["type"] == "optimum":
            optimum = record
        elif record["type"] == "generation":
            for individual in record["individuals"]:
                candidates.setdefault(individual["id"], individual)
            generations[record["generation"]] = GenerationInfo(
                number=record["generation"],
                individuals=tuple(record["individuals"]),
                best=record["best"],
                mean_fitness=record["mean_fitness"],
                diversity=record["diversity"],
                evaluations=record["evaluations"],
                seen=len(candidates),
            )
    ordered = tuple(generations[number] for number in sorted(generations))
    return SearchInfo(budget_mb, soft, ordered, tuple(candidates.values()), optimum)


def gap_sentence(info: SearchInfo) -> str:
    """How close the search has come, in words."""
    if info.last is None:
        return "The search has not begun yet."
    if info.best is None:
        return "Nothing within the budget has been found yet."
    if info.gap is None:
        return "The true optimum is not known yet."
    if info.gap <= 1e-12:
        return "The search found the true optimum of the whole space."
    return f"The best found is {info.gap:.2%} below the true optimum of the whole space."


def short_form(individual: Individual) -> str:
    """V,H,L,A,I."""
    return ",".join(str(individual[gene]) for gene in GENE_TITLES)


def candidate_rows(info: SearchInfo) -> list[dict[str, Any]]:
    """A table of the distinct candidates: those within the budget first, each group from the fittest down."""
    ranked = sorted(info.candidates, key=lambda one: (info.soft or one["feasible"], one["fitness"]), reverse=True)
    return [
        {
            "Architecture": short_form(one),
            **{title: one[gene] for gene, title in GENE_TITLES.items()},
            "Size (MB)": one["size_mb"],
            "GFLOPs": one["paper_gflops"],
            "Fitness": one["fitness"],
            "Within budget": bool(one["feasible"]),
        }
        for one in ranked
    ]


def population_figure(info: SearchInfo, *, replay: bool = False) -> go.Figure:
    """GFLOPs against size, both logarithmic: the latest generation strong, those before it faint.

    With `replay`, every generation is a frame, with buttons to play and pause and a slider.
    """
    figure = go.Figure(layout=_population_layout(info))
    last = info.last
    if last is None:
        return theme.note(figure, "Waiting for the first generation")
    low, high = figure.layout.yaxis.range
    figure.add_traces(
        [
            # Plotly zips a trace's customdata with its points by place, so a frame need only shorten x and y.
            go.Scatter(
                **_earlier(info, last),
                customdata=_details(info.candidates),
                hovertemplate=_HOVER,
                mode="markers",
                name="earlier",
                marker={"color": theme.MUTED, "size": 6, "opacity": 0.4, "symbol": "circle-open"},
                unselected={"marker": {"opacity": 0.4}},
                selected=_SELECTED,
            ),
            go.Scatter(
                **_points([one for one in last.individuals if one["feasible"]]),
                hovertemplate=_HOVER,
                mode="markers",
                name="within budget",
                showlegend=True,
                marker={"color": theme.FEASIBLE, "size": 9, "symbol": "circle", "line": _RIM},
                unselected=_NOT_DIMMED,
                selected=_SELECTED,
            ),
            go.Scatter(
                **_points([one for one in last.individuals if not one["feasible"]]),
                hovertemplate=_HOVER,
                mode="markers",
                name="over budget",
                showlegend=True,
                marker={"size": 8, "symbol": "x-thin", "line": {"width": 2, "color": theme.INFEASIBLE}},
                unselected=_NOT_DIMMED,
                selected=_SELECTED,
            ),
            go.Scatter(
                **_points([last.best] if last.best else []),
                hovertemplate="<b>Best so far</b><br>" + _HOVER,
                mode="markers",
                name="best so far",
                showlegend=True,
                marker={"color": theme.BEST, "size": 14, "symbol": "diamond", "line": _RIM},
                unselected=_NOT_DIMMED,
            ),
            go.Scatter(
                **_points([info.optimum] if info.optimum else []),
                hovertemplate="<b>True optimum</b><br>" + _HOVER,
                mode="markers",
                name="true optimum",
                marker={"color": theme.OPTIMUM, "size": 22, "symbol": "star-open", "line": {"width": 2.5}},
                unselected=_NOT_DIMMED,
            ),
            go.Scatter(
                x=[info.budget_mb, info.budget_mb],
                y=[10**low, 10**high],
                mode="lines",
                name=f"budget, {info.budget_mb:g} MB",
                hoverinfo="skip",
                line={"color": theme.BEST, "width": 1.5, "dash": "dash"},
            ),
        ]
    )
    if replay and len(info.generations) > 1:
        _add_replay(figure, info)
    return figure


def fitness_figure(info: SearchInfo) -> go.Figure:
    """Best and mean fitness by generation, with the optimum's."""
    what = "Fitness: GFLOPs − |MB − budget|" if info.soft else "GFLOPs (paper's account)"
    figure = go.Figure(layout=theme.layout("Generation", what, height=300))
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    numbers = [generation.number for generation in info.generations]
    figure.add_scatter(
        x=numbers,
        y=[generation.best["fitness"] if generation.best else None for generation in info.generations],
        mode="lines+markers" if len(numbers) < 3 else "lines",
        name="best so far",
        line={"color": theme.BEST, "width": 2.5, "shape": "hv"},
    )
    figure.add_scatter(
        x=numbers,
        y=[generation.mean_fitness for generation in info.generations],
        mode="lines+markers" if len(numbers) < 3 else "lines",
        name="mean of the population" if info.soft else "mean of those within budget",
        line={"color": theme.FEASIBLE, "width": 2, "dash": "dot"},
    )
    if info.optimum:
        goal = info.optimum["fitness"]
        figure.add_scatter(
            x=[numbers[0], numbers[-1]],
            y=[goal, goal],
            mode="lines",
            name="true optimum",
            line={"color": theme.OPTIMUM, "width": 2, "dash": "dash"},
        )
    return figure


def diversity_figure(info: SearchInfo) -> go.Figure:
    """How different the individuals of each generation are."""
    figure = go.Figure(
        layout=theme.layout(
            "Generation", "Chance that two differ in a gene", height=300, yaxis={"range": [0, 1], "tickformat": ".0%"}
        )
    )
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    figure.add_scatter(
        x=[generation.number for generation in info.generations],
        y=[generation.diversity for generation in info.generations],
        mode="lines+markers" if len(info.generations) < 3 else "lines",
        name="diversity",
        showlegend=True,
        line={"color": theme.TEACHER, "width": 2},
    )
    return figure


_HOVER = (
    "vocabulary %{customdata[0]:,} · width %{customdata[1]}<br>"
    "layers %{customdata[2]} · heads %{customdata[3]} · feed-forward %{customdata[4]}<br>"
    "%{x:.3f} MB · %{y:.3f} GFLOPs · fitness %{customdata[5]:.3f}<extra></extra>"
)


_RIM = {"width": 1, "color": "white"}
_NOT_DIMMED = {"marker": {"opacity": 1}}
_SELECTED = {"marker": {"opacity": 1, "size": 16}}


def _details(individuals: Sequence[Individual]) -> list[list[float]]:
    return [[*(one[gene] for gene in GENE_TITLES), round(one["fitness"], 4)] for one in individuals]


def _places(individuals: Sequence[Individual]) -> dict[str, Any]:
    return {
        "x": np.array([one["size_mb"] for one in individuals], np.float32),
        "y": np.array([one["paper_gflops"] for one in individuals], np.float32),
    }


def _points(individuals: Sequence[Individual]) -> dict[str, Any]:
    if not individuals:
        return {"x": [None], "y": [None], "customdata": [[]]}  # without any point a trace leaves the legend
    return {**_places(individuals), "customdata": _details(individuals)}


def _earlier(info: SearchInfo, generation: GenerationInfo) -> dict[str, Any]:
    at = info.generations.index(generation)
    return _places(info.candidates[: info.generations[at - 1].seen if at else 0])


def _population_layout(info: SearchInfo) -> go.Layout:
    shown = [*info.candidates, *([info.optimum] if info.optimum else [])]
    sizes = [info.budget_mb, *(one["size_mb"] for one in shown)]
    computations = [one["paper_gflops"] for one in shown] or [1.0]
    account = "Size in MB (10⁶ bytes, paper's account)" if info.soft else "Size in MB (10⁶ bytes, of the file)"
    return theme.layout(
        account,
        "GFLOPs (paper's account)",
        height=520,
        xaxis=theme.log_axis(sizes),
        yaxis=theme.log_axis(computations),
        # One search, one view: a zoom survives what is drawn next.
        uirevision="population",
        clickmode="event+select",
    )


def _add_replay(figure: go.Figure, info: SearchInfo) -> None:
    stride = -(-len(info.generations) // MOST_FRAMES)
    shown = [*info.generations[::stride]]
    if shown[-1] is not info.generations[-1]:
        shown.append(info.generations[-1])
    figure.frames = [
        go.Frame(
            name=str(generation.number),
            traces=[0, 1, 2, 3],
            data=[
                {"type": "scatter", **_earlier(info, generation)},
                {"type": "scatter", **_points([one for one in generation.individuals if one["feasible"]])},
                {"type": "scatter", **_points([one for one in generation.individuals if not one["feasible"]])},
                {"type": "scatter", **_points([generation.best] if generation.best else [])},
            ],
        )
        for generation in shown
    ]
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
    widget = {"bgcolor": "rgba(138,146,155,0.12)", "bordercolor": theme.MUTED, "font": {"color": theme.BUTTON}}
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
                "active": len(shown) - 1,
                "x": 0,
                "len": 1,
                "y": -0.29,
                "yanchor": "top",
                "pad": {"t": 10, "b": 4},
                "currentvalue": {"prefix": "Generation ", "xanchor": "left"},
                "tickcolor": theme.MUTED,
                "activebgcolor": theme.BEST,
                "minorticklen": 0,
                "steps": [
                    {"label": str(one.number), "method": "animate", "args": [[str(one.number)], still]} for one in shown
                ],
                **{key: value for key, value in widget.items() if key != "font"},
            }
        ],
        height=640,
    )
