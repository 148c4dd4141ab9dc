"""What the records of a search with several objectives say: its front and the true one, in words and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from compressor_core.figures.search.axes import AXES, axes_of
from compressor_core.figures.search.info import GENE_TITLES, Individual, short_form


@dataclass(frozen=True)
class FrontGeneration:
    """One generation: its population, and the front of all that were judged by its end."""

    number: int
    individuals: tuple[Individual, ...]
    front: tuple[Individual, ...]
    hypervolume: float
    share: float
    on_true_front: int
    evaluations: int


@dataclass(frozen=True)
class FrontInfo:
    """A search for a front so far; all in the order of the first objective."""

    objectives: tuple[str, ...]
    limits: Mapping[str, float]
    generations: tuple[FrontGeneration, ...]
    individuals: tuple[Individual, ...]
    """All that were ever judged, in the order of their birth."""
    true: tuple[Individual, ...]
    """The true front, thinned evenly if it is large."""
    true_size: int
    true_hypervolume: float | None

    @property
    def last(self) -> FrontGeneration | None:
        return self.generations[-1] if self.generations else None

    @property
    def planes(self) -> list[tuple[str, str]]:
        """The pairs of objectives that can be drawn against each other, what is maximised upwards."""
        pairs = combinations(sorted(self.objectives, key=lambda key: AXES[key].maximised), 2)
        return sorted(pairs, key=lambda pair: not AXES[pair[1]].maximised)

    def third(self, x: str, y: str) -> str | None:
        """The objective that is on neither axis."""
        return next((key for key in self.objectives if key not in (x, y)), None)

    @property
    def by_measurement(self) -> bool:
        """Whether only measured students can be on the front."""
        return "accuracy" in {*self.objectives, *self.limits}

    def shown(self) -> list[Individual]:
        """What axes must have room for: all fronts. Some of the first populations may lie far away from them."""
        fronts = [one for generation in self.generations for one in generation.front]
        return [*self.true, *fronts] or list(self.individuals)


def front_info(
    records: Iterable[Mapping[str, Any]], objectives: Sequence[str], limits: Mapping[str, float] | None = None
) -> FrontInfo:
    """From the records of a trade-off run, in any state; other records are passed over."""
    generations: dict[int, FrontGeneration] = {}
    by_id: dict[int, Individual] = {}
    truth: Mapping[str, Any] = {}
    for record in records:
        if record["type"] == "true-front":
            truth = record
        elif record["type"] == "generation":
            by_id.update((one["id"], one) for one in (*record["individuals"], *record["perished"]))
            generations[record["generation"]] = FrontGeneration(
                number=record["generation"],
                individuals=tuple(record["individuals"]),
                front=tuple(by_id[at] for at in record["front"]),
                hypervolume=record["hypervolume"],
                share=record["share"],
                on_true_front=record["on_true_front"],
                evaluations=record["evaluations"],
            )
    return FrontInfo(
        objectives=tuple(objectives),
        limits=dict(limits or {}),
        generations=tuple(generations[number] for number in sorted(generations)),
        individuals=tuple(by_id[at] for at in sorted(by_id)),
        true=tuple(truth.get("points", ())),
        true_size=truth.get("size", 0),
        true_hypervolume=truth.get("hypervolume"),
    )


def front_sentence(info: FrontInfo) -> str:
    """How much of the true front has been found, in words."""
    if info.last is None:
        return "The search has not begun yet." if not info.true else f"{_size_sentence(info)} Now the search begins."
    if not info.last.front:
        return "Nothing within the limits has been found yet."
    on, points = info.last.on_true_front, len(info.last.front)
    return (
        f"The front found covers {_floor(info.last.share)} of the true front's hypervolume; "
        f"{on:,} of its {points:,} point{'s' if points != 1 else ''} {'lie' if on != 1 else 'lies'} on the true front."
    )


def _size_sentence(info: FrontInfo) -> str:
    return f"The true front has {info.true_size:,} point{'s' if info.true_size != 1 else ''}."


def _floor(share: float) -> str:
    """A share that reads 100% only where it is."""
    return f"{np.floor(min(share + 1e-12, 1.0) * 1e4) / 1e4:.2%}"


def true_front_note(info: FrontInfo) -> str:
    """What the true front is, and what of it is drawn; empty as long as it is not known."""
    if not info.true:
        return ""
    among = "all measured students" if info.by_measurement else "every architecture of the space"
    note = f"{_size_sentence(info)} It was found by looking at {among}."
    if len(info.true) < info.true_size:
        note += f" {len(info.true):,} of them, evenly spread, are drawn."
    if info.true_size < 10 and not info.by_measurement:
        names = " and ".join(AXES[key].title.lower().split(",")[0] for key in info.objectives)
        note += (
            f" So few points mean that {names} hardly pull against each other: what is good for one is good for all."
        )
    return note


def pick_label(individual: Individual, objectives: Sequence[str]) -> str:
    """The objectives of one architecture with their units."""
    return " · ".join(AXES[key].text(individual[key]) for key in objectives if key in individual)


def individual_rows(info: FrontInfo) -> list[dict[str, Any]]:
    """A table of everything that was judged, for a file."""
    front = {one["id"] for one in info.last.front} if info.last else set()
    keys = axes_of(one for one in info.individuals)
    more = [key for key in AXES if key not in keys and any(key in one for one in info.individuals)]
    return [
        {
            "id": one["id"],
            "parents": " ".join(map(str, one["parents"])),
            "architecture": short_form(one),
            **{gene: one[gene] for gene in GENE_TITLES},
            **{key: one.get(key) for key in (*keys, *more)},
            "feasible": one["feasible"],
            "on_front": one["id"] in front,
        }
        for one in info.individuals
    ]


def true_rows(info: FrontInfo) -> list[dict[str, Any]]:
    """A table of the true front as far as it is recorded, for a file."""
    keys = axes_of(info.true)
    return [{"architecture": short_form(one), **{key: one[key] for key in (*GENE_TITLES, *keys)}} for one in info.true]
