"""State of a search with several objectives: its front and the true one, in words and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from compressor_core.figures.search.axes import AXES, GENE_TITLES, axes_of
from compressor_core.records import Bred, FrontGeneration, Measured, Record, TrueFront
from compressor_core.search.tradeoff import TradeoffSettings


@dataclass(frozen=True)
class FrontInfo:
    """State of a search for a front so far."""

    settings: TradeoffSettings
    generations: tuple[FrontGeneration, ...]
    by_id: Mapping[int, Bred]
    """All individuals that were ever evaluated, by birth."""
    truth: TrueFront | None

    @property
    def last(self) -> FrontGeneration | None:
        return self.generations[-1] if self.generations else None

    @property
    def individuals(self) -> tuple[Bred, ...]:
        """All individuals that were ever evaluated, by birth."""
        return tuple(self.by_id.values())

    @property
    def true(self) -> tuple[Measured, ...]:
        """The true front, evenly thinned if it is large."""
        return self.truth.points if self.truth else ()

    @property
    def objectives(self) -> tuple[str, ...]:
        return tuple(map(str, self.settings.objectives))

    @property
    def planes(self) -> list[tuple[str, str]]:
        """Pairs of objectives to draw as x and y, with maximised ones on y."""
        pairs = combinations(sorted(self.objectives, key=lambda key: AXES[key].maximised), 2)
        return sorted(pairs, key=lambda pair: not AXES[pair[1]].maximised)

    def front(self, generation: FrontGeneration | None) -> tuple[Bred, ...]:
        """Front of all individuals evaluated by the end of a generation, by increasing first objective."""
        return tuple(self.by_id[at] for at in generation.front) if generation else ()

    def third(self, x: str, y: str) -> str | None:
        """Objective on neither axis, if there is one."""
        return next((key for key in self.objectives if key not in (x, y)), None)

    def shown(self) -> list[Measured]:
        """Points that the axes must cover: all fronts. Early populations may lie far away and are left out."""
        fronts = [one for generation in self.generations for one in self.front(generation)]
        return [*self.true, *fronts] or list(self.individuals)


def front_info(records: Iterable[Record], settings: TradeoffSettings) -> FrontInfo:
    """Build the info from the records of a trade-off in any state; other records are ignored."""
    generations: dict[int, FrontGeneration] = {}
    by_id: dict[int, Bred] = {}
    truth: TrueFront | None = None
    for record in records:
        if isinstance(record, TrueFront):
            truth = record
        elif isinstance(record, FrontGeneration):
            by_id.update((one.id, one) for one in (*record.individuals, *record.perished))
            generations[record.generation] = record
    return FrontInfo(settings, tuple(generations[at] for at in sorted(generations)), dict(sorted(by_id.items())), truth)


def front_sentence(info: FrontInfo) -> str:
    """Sentence on how much of the true front has been found."""
    if info.last is None:
        begun = info.truth and f"{_size_sentence(info.truth)} Now the search begins."
        return begun or "The search has not begun yet."
    if not info.last.front:
        return "Nothing within the limits has been found yet."
    on, points = info.last.on_true_front, len(info.last.front)
    return (
        f"The front found covers {_floor(info.last.share)} of the true front's hypervolume; "
        f"{on:,} of its {points:,} point{'s' if points != 1 else ''} {'lie' if on != 1 else 'lies'} on the true front."
    )


def _size_sentence(truth: TrueFront) -> str:
    return f"The true front has {truth.size:,} point{'s' if truth.size != 1 else ''}."


def _floor(share: float) -> str:
    """Share as text, rounded down so that only 1 reads 100%."""
    return f"{np.floor(min(share + 1e-12, 1.0) * 1e4) / 1e4:.2%}"


def true_front_note(info: FrontInfo) -> str:
    """Note on the size of the true front, how it was found and how much is drawn; empty while it is not known."""
    if info.truth is None:
        return ""
    measured = info.settings.by_measurement
    among = "all measured students" if measured else "every architecture of the space"
    note = f"{_size_sentence(info.truth)} It was found by looking at {among}."
    if len(info.true) < info.truth.size:
        note += f" {len(info.true):,} of them, evenly spread, are drawn."
    if info.truth.size < 10 and not measured:
        names = " and ".join(AXES[key].title.lower().split(",")[0] for key in info.objectives)
        note += (
            f" So few points mean that {names} hardly pull against each other: what is good for one is good for all."
        )
    return note


def pick_label(individual: Measured, objectives: Sequence[str]) -> str:
    """Objectives of one architecture with their units."""
    known = ((AXES[key], getattr(individual, key)) for key in objectives)
    return " · ".join(axis.text(value) for axis, value in known if value is not None)


def individual_rows(info: FrontInfo) -> list[dict[str, Any]]:
    """Table of all evaluated individuals, for a file."""
    front = set(info.last.front) if info.last else set()
    some = [key for key in AXES if any(getattr(one, key) is not None for one in info.individuals)]
    return [
        {
            "id": one.id,
            "parents": " ".join(map(str, one.parents)),
            "architecture": one.short_form,
            **{key: getattr(one, key) for key in (*GENE_TITLES, *some)},
            "feasible": one.feasible,
            "on_front": one.id in front,
        }
        for one in info.individuals
    ]


def true_rows(info: FrontInfo) -> list[dict[str, Any]]:
    """Table of the recorded part of the true front, for a file."""
    keys = (*GENE_TITLES, *axes_of(info.true))
    return [{"architecture": one.short_form, **{key: getattr(one, key) for key in keys}} for one in info.true]
