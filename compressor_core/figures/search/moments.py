"""Commentary on a search: one line per generation, and how long a replay shows it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from compressor_core.figures.search.axes import AXES, GENE_TITLES
from compressor_core.figures.search.info import SearchInfo
from compressor_core.records import Generation
from compressor_core.search.genetic import gap

SETTLED: Final = 0.8
"""Share of the population that must carry a value before the line mentions it."""
EVENT, CHANGE, NOTHING = 0.35, 0.125, 0.04
"""Seconds that a replay shows a generation with an event, with a changed population, and without a change."""
_NONE: Final = 1e-12
"""Largest gap that counts as zero."""


@dataclass(frozen=True)
class Moment:
    """One generation of a replay."""

    generation: int
    said: str
    event: bool
    """Whether it deserves a mark: a first, a better best, or a gene that settles."""
    seconds: float


def moments(info: SearchInfo) -> tuple[Moment, ...]:
    """Moments of all generations of a search, derived from its records alone."""
    told, settled, before = [], set[str](), None
    for one in info.generations:
        news = [*_firsts(one, before), *_best(info, one, before)]
        if before is not None:
            fresh = [f"{share} carry {value}" for share, value in _settling(one, settled)]
            news += fresh
        newcomers = len(
            {each.id for each in one.individuals} - {each.id for each in before.individuals} if before else ()
        )
        if news:
            said, seconds = "; ".join(news), EVENT
        elif newcomers:
            said, seconds = f"{newcomers} newcomer{'s' * (newcomers > 1)}, none better than the best", CHANGE
        else:
            said, seconds = "no newcomer survives", NOTHING
        told.append(Moment(one.generation, f"Generation {one.generation}: {said}.", bool(news), seconds))
        before = one
    return tuple(told)


def _firsts(one: Generation, before: Generation | None) -> list[str]:
    fit, count = sum(each.feasible for each in one.individuals), len(one.individuals)
    if before is None:
        return [f"{count} random architectures, {fit or 'none'} of them within the budget"]
    fitted = sum(each.feasible for each in before.individuals)
    if fit and not before.best:
        return ["the first that fits"]
    return [f"all {count} fit"] if fit == count and fitted < len(before.individuals) else []


def _best(info: SearchInfo, one: Generation, before: Generation | None) -> list[str]:
    if one.best is None or before is None or (before.best and before.best.id == one.best.id):
        return []
    if info.optimum and (gap(info.optimum, one.best) or 0.0) <= _NONE:
        width = one.best.hidden_size
        carry = sum(each.hidden_size == width for each in one.individuals)
        return [
            f"the optimum; {carry} of {len(one.individuals)} {'carries' if carry == 1 else 'carry'} its width, {width}"
        ]
    goal = AXES[info.goal]
    return [f"a better one: {goal.text(getattr(one.best, goal.key))} at {one.best.size_mb:.2f} MB"]


def _settling(one: Generation, settled: set[str]) -> list[tuple[str, str]]:
    """Genes whose most common value reaches `SETTLED` in this generation; adds them to `settled`."""
    found, count = [], len(one.individuals)
    for gene, title in GENE_TITLES.items():
        if gene in settled or count < 2:
            continue
        ((value, carriers),) = Counter(map(attrgetter(gene), one.individuals)).most_common(1)
        if carriers >= SETTLED * count:
            settled.add(gene)
            found.append((f"{carriers} of {count}", f"{title.lower()} {value:,}"))
    return found
