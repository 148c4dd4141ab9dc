"""A search with several objectives so far: its front and the true one, in words and as tables."""

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
    """A search for a front so far."""

    settings: TradeoffSettings
    generations: tuple[FrontGeneration, ...]
    by_id: Mapping[int, Bred]
    """All that were ever judged, in the order of their birth."""
    truth: TrueFront | None

    @property
    def last(self) -> FrontGeneration | None:
        return self.generations[-1] if self.generations else None

    @property
    def individuals(self) -> tuple[Bred, ...]:
        """All that were ever judged, in the order of their birth."""
        return tuple(self.by_id.values())

    @property
    def true(self) -> tuple[Measured, ...]:
        """The true front, thinned evenly if it is large."""
        return self.truth.points if self.truth else ()

    @property
    def objectives(self) -> tuple[str, ...]:
        return tuple(map(str, self.settings.objectives))

    @property
    def planes(self) -> list[tuple[str, str]]:
        """The pairs of objectives that can be drawn against each other, what is maximised upwards."""
        pairs = combinations(sorted(self.objectives, key=lambda key: AXES[key].maximised), 2)
        return sorted(pairs, key=lambda pair: not AXES[pair[1]].maximised)

    def front(self, generation: FrontGeneration | None) -> tuple[Bred, ...]:
        """The front of all that were judged by the end of a generation, by rising first objective."""
        return tuple(self.by_id[at] for at in generation.front) if generation else ()

    def third(self, x: str, y: str) -> str | None:
        """The objective that is on neither axis."""
        return next((key for key in self.objectives if key not in (x, y)), None)

    def shown(self) -> list[Measured]:
        """What axes must have room for: all fronts. Some of the first populations may lie far away from them."""
        fronts = [one for generation in self.generations for one in self.front(generation)]
        return [*self.true, *fronts] or list(self.individuals)


def front_info(records: Iterable[Record], settings: TradeoffSettings) -> FrontInfo:
    """From the records of a trade-off, in any state; other records are passed over."""
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
    """How much of the true front has been found, in words."""
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
    """A share that reads 100% only where it is."""
    return f"{np.floor(min(share + 1e-12, 1.0) * 1e4) / 1e4:.2%}"


def true_front_note(info: FrontInfo) -> str:
    """What the true front is, and what of it is drawn; empty as long as it is not known."""
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
    """The objectives of one architecture with their units."""
    known = ((AXES[key], getattr(individual, key)) for key in objectives)
    return " · ".join(axis.text(value) for axis, value in known if value is not None)


def individual_rows(info: FrontInfo) -> list[dict[str, Any]]:
    """A table of everything that was judged, for a file."""
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
    """A table of the true front as far as it is recorded, for a file."""
    keys = (*GENE_TITLES, *axes_of(info.true))
    return [{"architecture": one.short_form, **{key: getattr(one, key) for key in keys}} for one in info.true]
