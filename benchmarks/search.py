"""How often the genetic algorithm finds the true optimum, compared with the paper's operators on the same seeds.

Run from the repository's root: `python -m benchmarks.search [--seeds 100] [--budgets 1 3 10 25 50]`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import NamedTuple

from compressor_core.architecture import SearchSpace
from compressor_core.progress import finish
from compressor_core.search import Constraint, Operators, SearchSettings, optimum, search

NAMES = {Operators.STUDIO: "this program's", Operators.PAPER: "the paper's"}


class Outcome(NamedTuple):
    gap: float
    evaluations: int
    seconds: float
    """Seconds of the whole run, including the exact optimum."""


def outcome(config: SearchSettings) -> Outcome:
    start = time.perf_counter()
    summary = finish(search(config))
    gap = float("inf") if summary.gap is None else summary.gap
    return Outcome(gap, summary.evaluations, time.perf_counter() - start)


def row(config: SearchSettings, outcomes: list[Outcome], optimum_seconds: float) -> str:
    gaps = [each.gap for each in outcomes]
    seconds = [each.seconds for each in outcomes]
    return (
        f"{config.constraint:<8}{config.budget_mb:>5g} MB  {NAMES[config.operators]:<16}"
        f"{sum(gap == 0 for gap in gaps):>5}/{len(gaps):<5}{statistics.median(gaps):>10.2%}{max(gaps):>10.2%}"
        f"{max(each.evaluations for each in outcomes):>13,}{statistics.median(seconds):>10.2f}{max(seconds):>9.2f}"
        f"{optimum_seconds:>9.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--budgets", type=float, nargs="+", default=[1, 3, 10, 25, 50], metavar="MB")
    arguments = parser.parse_args()
    space = SearchSpace.paper()
    print(f"{arguments.seeds} seeds, {space.size:,} architectures; seconds of a run include the exact optimum")
    print(
        f"{'mode':<8}{'budget':>8}  {'operators':<16}{'optimum':>11}{'median gap':>10}{'worst gap':>10}"
        f"{'evaluations':>13}{'median s':>10}{'worst s':>9}{'exact s':>9}"
    )
    for constraint in Constraint:
        for budget in arguments.budgets:
            first = SearchSettings(budget_mb=budget, constraint=constraint, space=space)
            start = time.perf_counter()
            optimum(space, first)
            seconds = time.perf_counter() - start
            for operators in Operators:
                configs = [
                    SearchSettings(budget_mb=budget, constraint=constraint, seed=seed, space=space, operators=operators)
                    for seed in range(arguments.seeds)
                ]
                print(row(configs[0], [outcome(config) for config in configs], seconds), flush=True)


if __name__ == "__main__":
    main()
