"""Sweeps of many searches: over seeds, to see how much of a result was luck, or over budgets, to see the effect of
size.

A sweep over budgets finds the true optimum at each budget; searches are optional.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from compressor_core.errors import BudgetError, SettingsError
from compressor_core.records import (
    BudgetOptimum,
    Candidate,
    Progress,
    Record,
    SweepGroup,
    SweepSummary,
    SweptSearch,
    Work,
)
from compressor_core.search.exact import optimum, uncertifiable
from compressor_core.search.fitness import Limit
from compressor_core.search.genetic import Operators, SearchSettings, evolve, gap
from compressor_core.search.settings import MAX_BUDGET_MB
from compressor_core.settings import Seed, Settings

PAPER_BUDGETS_MB: Final = (3.0, 25.0, 50.0)
"""Budgets of the paper's tables; a sweep over budgets always includes them."""
MAX_SEARCHES: Final = 2_000
MAX_BUDGETS: Final = 200
HIT: Final = 1e-12
"""Largest gap that counts as none, to allow for rounding in another order of summation."""
CONFIDENCE: Final = 0.95


class Over(StrEnum):
    """Variable of a sweep."""

    SEED = "seed"
    BUDGET = "budget"


class SweepSettings(Settings):
    """Settings of a sweep. The same settings give the same records, except for `seconds`.

    Raises SettingsError for a sweep without a search or with too many.
    """

    title: ClassVar[str] = "a sweep"

    search: SearchSettings = Field(
        description="Settings of every search; the sweep replaces the seed and, over budgets, the budget"
    )
    over: Over = Field(Over.SEED, description="What the sweep varies")
    seeds: tuple[Seed, ...] = Field(
        (), description="Seeds, one search for each; over budgets they may be empty: then only the optima are found"
    )
    budgets: tuple[Limit, ...] = Field(
        (), validate_default=True, description="Budgets in MB for a sweep over budgets; the paper's are always added"
    )
    operators: tuple[Operators, ...] = Field(
        (), description="Operators to compare, each with every seed; by default, those of the search"
    )

    @field_validator("seeds", "operators")
    @classmethod
    def _different(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(values))

    @field_validator("budgets")
    @classmethod
    def _with_papers(cls, budgets: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        return budgets if info.data.get("over") is Over.SEED else tuple(sorted({*budgets, *PAPER_BUDGETS_MB}))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.over is Over.SEED and not self.seeds:
            raise SettingsError("a sweep over seeds needs at least one seed: give some, such as 0 to 19")
        if self.over is Over.SEED and self.budgets:
            raise SettingsError(
                f"a sweep over seeds has the one budget of its search, not {list(self.budgets)}: leave budgets out"
            )
        if len(self.budgets) > MAX_BUDGETS:
            raise SettingsError(f"the sweep has {len(self.budgets)} budgets, more than {MAX_BUDGETS}: take fewer")
        if self.searches > MAX_SEARCHES:
            raise SettingsError(
                f"the sweep has {self.searches:,} searches, more than {MAX_SEARCHES:,}: take fewer seeds or budgets"
            )
        return self

    @property
    def all_budgets(self) -> tuple[float, ...]:
        """Budgets at which the sweep finds the optimum."""
        return (self.search.budget_mb,) if self.over is Over.SEED else self.budgets

    @property
    def all_operators(self) -> tuple[Operators, ...]:
        return self.operators or (self.search.operators,)

    @property
    def searches(self) -> int:
        """Maximum number of searches; a budget that nothing fits has none."""
        return len(self.all_budgets) * len(self.seeds) * len(self.all_operators)


def budgets_between(low: float, high: float, count: int = 40) -> tuple[float, ...]:
    """`count` logarithmically spaced budgets in MB, rounded to three digits.

    Raises BudgetError unless 0 < low < high, and SettingsError for fewer than 2 budgets or more than a sweep allows.
    """
    if not 0 < low < high <= MAX_BUDGET_MB:
        raise BudgetError(f"the budgets cannot go from {low:g} to {high:g} MB: give a smaller and a larger one above 0")
    if not 2 <= count <= MAX_BUDGETS - len(PAPER_BUDGETS_MB):
        raise SettingsError(
            f"a sweep has from 2 to {MAX_BUDGETS - len(PAPER_BUDGETS_MB)} budgets beside the paper's, not {count}"
        )
    return tuple(dict.fromkeys(float(f"{budget:.3g}") for budget in np.geomspace(low, high, count)))


def sweep(
    settings: SweepSettings, *, cancelled: Callable[[], bool] = lambda: False, done: Iterable[Record] = ()
) -> Work[SweepSummary]:
    """Find the optimum at every budget, then run every search, with progress before each.

    `cancelled` is checked before each generation. An interrupted search is dropped; finished ones are kept. `done` are
    records of an earlier, interrupted run of the same sweep; they are not computed again.
    """
    optima: dict[float, BudgetOptimum] = {}
    searches: dict[tuple[float, str, int], SweptSearch] = {}
    for record in done:
        if isinstance(record, BudgetOptimum):
            optima[record.budget_mb] = record
        elif isinstance(record, SweptSearch):
            searches[record.budget_mb, record.operators, record.seed] = record
    steps = len(settings.all_budgets) + settings.searches
    stopped = False

    def progress(message: str) -> Progress:
        return Progress(fraction=(len(optima) + len(searches)) / steps, message=message)

    for budget in settings.all_budgets:
        if stopped := stopped or cancelled():
            break
        if budget not in optima:
            yield progress(f"True optimum at {budget:g} MB")
            optima[budget] = _optimum(settings, budget)
            yield optima[budget]

    for search in _searches(settings, optima):
        place = (search.budget_mb, search.operators.value, search.seed)
        if place in searches:
            continue
        if stopped := stopped or cancelled():
            break
        yield progress(f"Search {len(searches) + 1} of {settings.searches}: {_title(search, settings)}")
        found = _search(search, optima[search.budget_mb].best, cancelled)
        if found is None:
            stopped = True
            break
        searches[place] = found
        yield found

    if stopped:
        yield progress(
            f"Stopped: {len(searches)} of {settings.searches} searches and {len(optima)} of "
            f"{len(settings.all_budgets)} optima are kept"
        )
    else:
        yield Progress(fraction=1.0, message=f"{len(searches)} searches, {len(optima)} optima")
    return SweepSummary(
        over=settings.over.value,
        searches=len(searches),
        planned=settings.searches,
        budgets=sum(one.best is not None for one in optima.values()),
        groups=tuple(
            group_summary(name, [each for each in searches.values() if each.operators == name])
            for name in settings.all_operators
        ),
        seconds=sum(one.seconds for one in optima.values()) + sum(one.seconds for one in searches.values()),
        cancelled=stopped,
    )


def group_summary(operators: str, searches: Sequence[SweptSearch]) -> SweepGroup:
    """Results of one group of searches; the numbers are None without any search.

    A hit is a search without a gap (see `HIT`); the hit rate has a 95% Wilson score interval (Wilson 1927). A search
    that found nothing counts as worse than all others: `worst_gap` is None if there is one, `median_gap` if the median
    falls on one. If a search found something but the optimum is not known, all these numbers are None.
    """
    known = all(each.gap is not None or each.best is None for each in searches)
    gaps = [float("inf") if each.gap is None else each.gap for each in searches if known]
    hits = sum(each <= HIT for each in gaps)
    low, high = wilson(hits, len(gaps)) if gaps else (None, None)
    return SweepGroup(
        operators=operators,
        searches=len(searches),
        hits=hits if known else None,
        hit_rate=hits / len(gaps) if gaps else None,
        hit_low=low,
        hit_high=high,
        nothing_found=sum(each.best is None for each in searches),
        median_gap=_finite(statistics.median(gaps)) if gaps else None,
        worst_gap=_finite(max(gaps)) if gaps else None,
    )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95% Wilson score interval of a share."""
    from scipy.stats import binomtest

    interval = binomtest(hits, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def _optimum(settings: SweepSettings, budget: float) -> BudgetOptimum:
    start = time.perf_counter()
    marked = budget in PAPER_BUDGETS_MB
    try:
        search = settings.search.replace(budget_mb=budget)
        if reason := uncertifiable(search.space, search):
            return BudgetOptimum(budget_mb=budget, marked=marked, reason=reason)
        best = optimum(search.space, search)
    except BudgetError as error:
        return BudgetOptimum(budget_mb=budget, marked=marked, reason=str(error), reachable=False)
    return BudgetOptimum(budget_mb=budget, marked=marked, best=best, seconds=time.perf_counter() - start)


def _searches(settings: SweepSettings, optima: Mapping[float, BudgetOptimum]) -> Iterator[SearchSettings]:
    """Searches in order. Operators alternate, so that an interrupted sweep has equally many searches of each."""
    for budget in settings.all_budgets:
        if budget not in optima or not optima[budget].reachable:
            continue
        for seed in settings.seeds:
            for operators in settings.all_operators:
                yield settings.search.replace(budget_mb=budget, seed=seed, operators=operators)


def _search(settings: SearchSettings, goal: Candidate | None, cancelled: Callable[[], bool]) -> SweptSearch | None:
    """Record of one search; None if it was interrupted."""
    start = time.perf_counter()
    best_fitness: list[float | None] = []
    for generation in evolve(settings):
        best_fitness.append(None if generation.best is None else generation.best.fitness)
        if generation.generation < settings.generations and cancelled():
            return None
    return SweptSearch(
        budget_mb=settings.budget_mb,
        seed=settings.seed,
        operators=settings.operators.value,
        best_fitness=tuple(best_fitness),
        evaluations=generation.evaluations,
        best=generation.best,
        gap=gap(goal, generation.best),
        seconds=time.perf_counter() - start,
    )


def _title(search: SearchSettings, settings: SweepSettings) -> str:
    parts = [f"seed {search.seed}"]
    if settings.over is Over.BUDGET:
        parts.insert(0, f"{search.budget_mb:g} MB")
    if len(settings.all_operators) > 1:
        parts.append(f"{search.operators} operators")
    return ", ".join(parts)


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None
