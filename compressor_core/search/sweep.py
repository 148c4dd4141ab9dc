"""Many searches in one go: over seeds, to see how much of a result was luck, or over budgets, to see what a
megabyte buys.

A sweep over budgets knows the true optimum at each of them; searches may run beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np

from compressor_core.errors import BudgetError, SettingsError, understood
from compressor_core.kinds import is_number
from compressor_core.search.exact import optimum, uncertifiable
from compressor_core.search.genetic import Operators, SearchSettings, evolve, gap

PAPER_BUDGETS_MB: Final = (3.0, 25.0, 50.0)
"""The budgets of the paper's tables; a sweep over budgets always has them."""
MAX_SEARCHES: Final = 2_000
MAX_BUDGETS: Final = 200
HIT: Final = 1e-12
"""A gap up to this is none: what adding the same numbers in another order may leave."""
CONFIDENCE: Final = 0.95

Record = dict[str, Any]
Place = tuple[float, str, int]
"""What tells a search of a sweep from the others: budget, operators, seed."""


class Over(StrEnum):
    """What a sweep varies."""

    SEED = "seed"
    BUDGET = "budget"


@dataclass(frozen=True)
class SweepSettings:
    """Everything a sweep depends on: the same configuration gives the same records, seconds apart.

    `search`, `over` and `operators` may be given as plain values. Raises SettingsError for a sweep with nothing to
    do or too much, and what `SearchSettings` raises for a seed, an operator or a search that is none.
    """

    search: SearchSettings
    """What every search has in common; its seed, and over budgets its budget, are replaced."""
    over: Over = Over.SEED
    seeds: tuple[int, ...] = ()
    """One search for each; over budgets there may be none, then the optima alone are found."""
    budgets: tuple[float, ...] = ()
    """In MB, over budgets only; the paper's are always added."""
    operators: tuple[Operators, ...] = ()
    """Side by side, each with every seed; without any, those of `search`."""

    def __post_init__(self) -> None:
        search = SearchSettings.from_dict(self.search) if isinstance(self.search, Mapping) else self.search
        object.__setattr__(self, "search", search)
        try:
            object.__setattr__(self, "over", Over(self.over))
        except ValueError as error:
            raise SettingsError(f"a sweep goes over {' or '.join(Over)}, not {self.over!r}") from error
        object.__setattr__(self, "seeds", tuple(dict.fromkeys(self.seeds)))
        for seed in self.seeds:
            replace(search, seed=seed)
        operators = tuple(replace(search, operators=each).operators for each in self.operators)
        object.__setattr__(self, "operators", tuple(dict.fromkeys(operators)))
        if self.over is Over.SEED:
            self._check_seeds()
        else:
            self._add_papers_budgets()
        if self.searches > MAX_SEARCHES:
            raise SettingsError(
                f"the sweep has {self.searches:,} searches, more than {MAX_SEARCHES:,}: take fewer seeds or budgets"
            )

    def _check_seeds(self) -> None:
        if not self.seeds:
            raise SettingsError("a sweep over seeds needs at least one seed: give some, such as 0 to 19")
        if self.budgets:
            raise SettingsError(
                f"a sweep over seeds has the one budget of its search, not {list(self.budgets)}: leave budgets out"
            )

    def _add_papers_budgets(self) -> None:
        for budget in self.budgets:
            if not is_number(budget) or not 0 < budget <= 1e9:
                raise BudgetError(f"a budget must be a positive number of megabytes, such as 3, not {budget!r}")
        budgets = tuple(sorted({*map(float, self.budgets), *PAPER_BUDGETS_MB}))
        if len(budgets) > MAX_BUDGETS:
            raise SettingsError(f"the sweep has {len(budgets)} budgets, more than {MAX_BUDGETS}: take fewer")
        object.__setattr__(self, "budgets", budgets)

    @property
    def all_budgets(self) -> tuple[float, ...]:
        """The budgets at which the sweep looks for the optimum."""
        return (self.search.budget_mb,) if self.over is Over.SEED else self.budgets

    @property
    def all_operators(self) -> tuple[Operators, ...]:
        return self.operators or (self.search.operators,)

    @property
    def searches(self) -> int:
        """How many searches the sweep has at most; a budget that nothing fits has none."""
        return len(self.all_budgets) * len(self.seeds) * len(self.all_operators)

    def to_dict(self) -> Record:
        """Plain values, as JSON can hold them."""
        return {
            "search": self.search.to_dict(),
            "over": self.over.value,
            "seeds": list(self.seeds),
            "budgets": list(self.budgets),
            "operators": [each.value for each in self.operators],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SweepSettings:
        """The inverse of `to_dict`; what is left out takes its default."""
        names = ("search", "over", "seeds", "budgets", "operators")
        with understood("the settings of the sweep"):
            if "search" not in values or set(values) - set(names):
                raise SettingsError(
                    f"a sweep takes {', '.join(names)}, the first of them always, not {', '.join(values)}"
                )
            return cls(
                search=values["search"],
                over=values.get("over", Over.SEED),
                seeds=tuple(values.get("seeds", ())),
                budgets=tuple(values.get("budgets", ())),
                operators=tuple(values.get("operators", ())),
            )


def budgets_between(low: float, high: float, count: int = 40) -> tuple[float, ...]:
    """`count` budgets in MB, evenly spread over the logarithm, rounded to three digits.

    Raises BudgetError unless 0 < low < high, and SettingsError for fewer than 2 budgets or more than a sweep has.
    """
    if not 0 < low < high <= 1e9:
        raise BudgetError(f"the budgets cannot go from {low:g} to {high:g} MB: give a smaller and a larger one above 0")
    if not 2 <= count <= MAX_BUDGETS - len(PAPER_BUDGETS_MB):
        raise SettingsError(
            f"a sweep has from 2 to {MAX_BUDGETS - len(PAPER_BUDGETS_MB)} budgets beside the paper's, not {count}"
        )
    return tuple(dict.fromkeys(float(f"{budget:.3g}") for budget in np.geomspace(low, high, count)))


def sweep_records(
    config: SweepSettings, cancelled: Callable[[], bool] = lambda: False, done: Iterable[Mapping[str, Any]] = ()
) -> Iterator[Record]:
    """The records of a whole sweep.

    - `optimum` for every budget: `budget_mb`, `marked` (one of the paper's), the candidate's own keys, `seconds`;
      in its place `unreachable` where nothing fits, or `uncertified` where the space is too large to know, both with
      `budget_mb`, `marked` and `reason`.
    - `search` for every budget, seed and operators: `budget_mb`, `seed`, `operators`, `best_fitness` (one number a
      generation, None while nothing feasible was met), `evaluations`, `best` (a candidate or None), `gap` (None
      where there is no best or no known optimum), `seconds`.
    - `progress` before each: `fraction` and `message`.
    - `result` at the end, see `sweep_summary`; with `"cancelled": True` if `cancelled()` said so. It is asked before
      each generation. A search that is cut short is left out; those that were over are kept.

    `done` are records of the same sweep, cut short before: they are not made again.
    """
    kept = [dict(record) for record in done if record["type"] in ("optimum", "uncertified", "unreachable", "search")]
    optima = {record["budget_mb"]: record for record in kept if record["type"] != "search"}
    searches = {_place(record): record for record in kept if record["type"] == "search"}
    steps = len(config.all_budgets) + config.searches
    stopped = False

    def progress(message: str) -> Record:
        return {"type": "progress", "fraction": (len(optima) + len(searches)) / steps, "message": message}

    for budget in config.all_budgets:
        if stopped := stopped or cancelled():
            break
        if budget not in optima:
            yield progress(f"True optimum at {budget:g} MB")
            optima[budget] = _optimum(config, budget)
            yield optima[budget]

    for search in _searches(config, optima):
        place = _place_of(search)
        if place in searches:
            continue
        if stopped := stopped or cancelled():
            break
        yield progress(f"Search {len(searches) + 1} of {config.searches}: {_title(search, config)}")
        found = _search(search, optima[search.budget_mb].get("fitness"), cancelled)
        if found is None:
            stopped = True
            break
        searches[place] = found
        yield found

    if stopped:
        yield progress(
            f"Stopped: {len(searches)} of {config.searches} searches and {len(optima)} of "
            f"{len(config.all_budgets)} optima are kept"
        )
    else:
        yield {**progress(f"{len(searches)} searches, {len(optima)} optima"), "fraction": 1.0}
    summary = sweep_summary([*optima.values(), *searches.values()], config)
    yield {"type": "result", **summary, **({"cancelled": True} if stopped else {})}


def sweep_summary(records: Sequence[Mapping[str, Any]], config: SweepSettings) -> Record:
    """What came out of a sweep.

    `over`, `searches` (how many were over), `planned`, `budgets`, `seconds` (all searches and optima together), then
    as in `group_summary` for the first operators; `groups` holds the same for each of the operators.
    """
    searches = [record for record in records if record["type"] == "search"]
    groups = [
        {"operators": name.value, **group_summary([each for each in searches if each["operators"] == name])}
        for name in config.all_operators
    ]
    numbers = {key: value for key, value in groups[0].items() if key not in ("operators", "searches")}
    return {
        "over": config.over.value,
        "searches": len(searches),
        "planned": config.searches,
        "budgets": sum(record["type"] == "optimum" for record in records),
        **numbers,
        "groups": groups,
        "seconds": sum(record.get("seconds", 0.0) for record in records),
    }


def group_summary(searches: Sequence[Mapping[str, Any]]) -> Record:
    """How the searches of one group did; the numbers are None without any search.

    `searches`, `hits` (gap of none), `hit_rate` with its Wilson score interval `hit_low` to `hit_high` at 95%
    (Wilson 1927), `nothing_found` (met nothing feasible), `median_gap`, `worst_gap`. One that found nothing counts
    as worse than every other, so `worst_gap` is None if there is such a one, `median_gap` if it falls on one. Where a
    search found something and the optimum is not known, none of these can be told.
    """
    told = all(each["gap"] is not None or each["best"] is None for each in searches)
    nothing = sum(each["best"] is None for each in searches)
    gaps = [float("inf") if each["gap"] is None else each["gap"] for each in searches if told]
    hits = sum(each <= HIT for each in gaps)
    low, high = wilson(hits, len(gaps)) if gaps else (None, None)
    return {
        "searches": len(searches),
        "hits": hits if told else None,
        "hit_rate": hits / len(gaps) if gaps else None,
        "hit_low": low,
        "hit_high": high,
        "nothing_found": nothing,
        "median_gap": _finite(statistics.median(gaps)) if gaps else None,
        "worst_gap": _finite(max(gaps)) if gaps else None,
    }


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The Wilson score interval of a share, at 95%."""
    from scipy.stats import binomtest

    interval = binomtest(hits, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def _optimum(config: SweepSettings, budget: float) -> Record:
    start = time.perf_counter()
    said = {"budget_mb": budget, "marked": budget in PAPER_BUDGETS_MB}
    try:
        search = replace(config.search, budget_mb=budget)
        if reason := uncertifiable(search.space, search.objective):
            return {"type": "uncertified", **said, "reason": reason}
        best = optimum(search.space, search.objective)
    except BudgetError as error:
        return {"type": "unreachable", **said, "reason": str(error)}
    return {"type": "optimum", **said, **best, "seconds": time.perf_counter() - start}


def _searches(config: SweepSettings, optima: Mapping[float, Mapping[str, Any]]) -> Iterator[SearchSettings]:
    """Operators take turns, so that a sweep that is cut short has as many searches of each."""
    for budget in config.all_budgets:
        if budget not in optima or optima[budget]["type"] == "unreachable":
            continue
        for seed in config.seeds:
            for operators in config.all_operators:
                yield replace(config.search, budget_mb=budget, seed=seed, operators=operators)


def _search(config: SearchSettings, goal: float | None, cancelled: Callable[[], bool]) -> Record | None:
    """The record of one search; None if it was cut short."""
    start = time.perf_counter()
    best_fitness: list[float | None] = []
    for generation in evolve(config):
        best_fitness.append(None if generation.best is None else generation.best["fitness"])
        if generation.generation < config.generations and cancelled():
            return None
    best = None
    if generation.best is not None:
        best = {key: value for key, value in generation.best.items() if key not in ("id", "parents")}
    return {
        "type": "search",
        "budget_mb": config.budget_mb,
        "seed": config.seed,
        "operators": config.operators.value,
        "best_fitness": best_fitness,
        "evaluations": generation.evaluations,
        "best": best,
        "gap": None if goal is None else gap(goal, best_fitness[-1]),
        "seconds": time.perf_counter() - start,
    }


def _place(record: Mapping[str, Any]) -> Place:
    return record["budget_mb"], record["operators"], record["seed"]


def _place_of(config: SearchSettings) -> Place:
    return config.budget_mb, config.operators.value, config.seed


def _title(search: SearchSettings, config: SweepSettings) -> str:
    parts = [f"seed {search.seed}"]
    if config.over is Over.BUDGET:
        parts.insert(0, f"{search.budget_mb:g} MB")
    if len(config.all_operators) > 1:
        parts.append(f"{search.operators} operators")
    return ", ".join(parts)


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None
