"""What forms show and read as text: values of a gene, durations, states, headlines of runs."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from compressor_core.errors import DAMAGED, ArchitectureError
from compressor_core.literal import cell

SYMBOLS: Final[Mapping[str, str]] = {
    "queued": "○",
    "running": "▶",
    "finished": "✔",
    "cancelled": "■",
    "failed": "✖",
    "interrupted": "△",
}
"""A sign for each state of a run."""
KINDS: Final[Mapping[str, str]] = {
    "search": "Search",
    "train-teacher": "Teacher",
    "distill": "Distillation",
    "compare": "Comparison",
    "export": "Export",
    "measure": "Measurement",
    "reproduce": "Reproduction",
    "calibrate": "Calibration",
    "tradeoff": "Trade-off",
    "sweep": "Sweep",
    "study": "Budget study",
}
"""A title for each kind of run."""

_RANGE = re.compile(r"\s*(\d+)\s*to\s*(\d+)\s*by\s*(\d+)\s*")


def gene_text(values: Mapping[str, int] | Sequence[int]) -> str:
    """The values of one gene, as `SearchSpace.to_dict` gives them: `16 to 768 by 16` or `1, 2, 4, 8`."""
    if isinstance(values, Mapping):
        return f"{values['from']} to {values['to']} by {values['step']}"
    return ", ".join(str(value) for value in values)


def gene_values(title: str, text: str) -> dict[str, int] | list[int]:
    """The inverse of `gene_text`, for `SearchSpace.from_dict`. Raises ArchitectureError for any other text."""
    try:
        if match := _RANGE.fullmatch(text):
            first, last, step = (int(number) for number in match.groups())
            return {"from": first, "to": last, "step": step}
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ArchitectureError(
            f"{title} cannot be {text!r}: write whole numbers such as 1, 2, 4 or a range such as 16 to 768 by 16."
        ) from None


def duration(seconds: float | None) -> str:
    """A length of time for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def state_text(state: str) -> str:
    """A state with its sign."""
    return f"{SYMBOLS.get(state, '?')} {state}"


def run_headline(kind: str, result: Mapping[str, Any] | None) -> str:
    """What came out of a run, in a few words; empty without a result."""
    if result is None:
        return ""
    try:
        return _headline(kind, result)
    except DAMAGED:
        return "a damaged result"


def _headline(kind: str, result: Mapping[str, Any]) -> str:
    if kind == "search":
        best = result.get("best")
        if not best:
            return "nothing within the budget"
        return f"{best['paper_gflops']:.2f} GFLOPs at {best['size_mb']:.2f} MB"
    if kind == "train-teacher":
        return f"accuracy {result['accuracy']:.1%}, {result['size_mb']:.1f} MB"
    if kind == "distill":
        return (
            f"accuracy {result['accuracy']:.1%} (teacher {result['teacher_accuracy']:.1%}), {result['size_mb']:.2f} MB"
        )
    if kind == "compare":
        if len(students := result.get("students", ())) > 1:
            accuracies = [one["accuracy"] for one in students]
            return (
                f"{len(students)} students, accuracy {min(accuracies):.1%} to {max(accuracies):.1%} "
                f"(teacher {result['teacher']['accuracy']:.1%})"
            )
        return (
            f"accuracy {result['student']['accuracy']:.1%} (teacher {result['teacher']['accuracy']:.1%}), "
            f"{result['speedup']:.1f}× faster"
        )
    if kind == "export":
        int8 = result["forms"]["model.int8.onnx"]["size_mb"]
        flag = " (flagged)" if result["flagged"] else ""
        return f"{result['zip_mb']:.1f} MB to take away; {int8:.2f} MB in 8 bits{flag}"
    if kind == "measure":
        fastest = min(result["latency"], key=lambda one: float(one["median"]))
        return f"{len(result['models'])} models, p50 from {fastest['median']:.2f} ms"
    if kind == "calibrate":
        errors = [error["median"] for error in result["held_out_error"].values()]
        return f"held-out error {min(errors):.1%} to {max(errors):.1%}"
    if kind == "reproduce":
        return f"accuracy {result['accuracy']:.1%} of {result['examples']:,}, {result['size_mb']:.2f} MB"
    if kind == "tradeoff":
        share = math.floor(result["hypervolume_share"] * 1000 + 1e-9) / 1000  # 100% only where it is
        return f"{result['front']:,} points, {share:.1%} of the true hypervolume"
    if kind == "sweep":
        if result["hit_rate"] is None:
            return f"{result['searches']} searches, {result['budgets']} optima"
        first = result["groups"][0]
        return f"the optimum in {first['hits']} of {first['searches']} searches"
    if kind == "study":
        if not result["budgets"]:
            return "no student yet"
        first, last = result["budgets"][0], result["budgets"][-1]
        ends = f"{first['mean']:.1%} at {first['budget_mb']:g} MB"
        if last is not first:
            ends += f" to {last['mean']:.1%} at {last['budget_mb']:g} MB"
        return f"{ends} (teacher {result['teacher_accuracy']:.1%})"
    return ""


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as CSV with a header line; empty without rows.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it plain text there.
    """
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    # A column may be called by a name from outside, too.
    writer.writerow({key: cell(key) for key in rows[0]})
    writer.writerows({key: cell(value) for key, value in row.items()} for row in rows)
    return out.getvalue()
