"""What the students of a study come to, budget by budget."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def budget_summaries(students: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One `budget_summary` for each budget that has a student, by rising budget."""
    by_budget: dict[float, list[Mapping[str, Any]]] = {}
    for record in students:
        by_budget.setdefault(record["budget_mb"], []).append(record)
    return [budget_summary(by_budget[budget]) for budget in sorted(by_budget)]


def budget_summary(students: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The students of one budget, at least one.

    `budget_mb`, `students` (how many), of their accuracies `mean`, `standard_deviation` (n - 1; None of one student),
    `min` and `max`; `size_mb`, `latency_ms` and `teacher_latency_ms` (the means over the students).
    """
    accuracies = [float(record["accuracy"]) for record in students]
    means = {
        key: statistics.fmean(record[key] for record in students)
        for key in ("size_mb", "latency_ms", "teacher_latency_ms")
    }
    return {
        "budget_mb": students[0]["budget_mb"],
        "students": len(students),
        "mean": statistics.fmean(accuracies),
        "standard_deviation": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        "min": min(accuracies),
        "max": max(accuracies),
        **means,
    }
