"""What the figures, tables and sentences of a probe show."""

from __future__ import annotations

import pytest

from compressor_core.errors import RunError
from compressor_core.figures.compare.probe import (
    ProbeInfo,
    edit,
    flips_figure,
    pairs_sentence,
    probe_info,
    probe_rows,
    probe_sentence,
    worst_sentence,
)
from compressor_core.language import Language
from compressor_core.records import ChangedExample, Mimicry, PairAnswers, ProbedChange, ProbeSummary, UnderChange
from compressor_core.task import Task

OWN = {"shift": 0.1, "accuracy": 0.8, "accuracy_before": 0.9, "ece": 0.05, "ece_before": 0.04}
MIMICRY = {"agreement": 0.9, "agreement_interval": (0.8, 1.0), "agreement_before": 1.0, "distance": 0.1}


def change(kind: str, functions: int, teacher: int = 2, student: int = 5, shift: float = 0.5) -> ProbedChange:
    worst = ChangedExample(
        before=("def f():\n    return 'a'",),
        after=('def f():\n    return "a"',),
        changes=(kind,),
        label=1,
        group="",
        origin="",
        model="Student",
        probabilities_before={"Teacher": 0.9, "Student": 0.9},
        probabilities={"Teacher": 0.8, "Student": 0.9 - shift},
    )
    models = {
        "Teacher": UnderChange(flips=teacher, rate=teacher / 50, interval=(0.01, 0.2), **OWN),
        "Student": Mimicry(
            flips=student, rate=student / 50, interval=(0.02, 0.3), sure=40, sure_as_well=30, **OWN, **MIMICRY
        ),
    }
    return ProbedChange(
        change=kind,
        description="Something",
        functions=functions,
        models=models if functions else {},
        worst=worst if functions else None,
    )


def probe(*changes: ProbedChange, pairs: dict[str, PairAnswers] | None = None) -> ProbeInfo:
    summary = ProbeSummary(
        models={"Teacher": "t", "Student": "s"},
        task=Task.VULNERABILITY,
        language=Language.PYTHON,
        labels=("safe", "vulnerable"),
        dataset="classroom-vulnerability",
        split="test",
        examples=60,
        changes={one.change: one for one in changes},
        pairs=pairs or {},
        sure=0.9,
        seconds=1.0,
    )
    return probe_info(summary.model_dump(mode="json"))


def test_two_kinds_and_one_that_changes_nothing() -> None:
    info = probe(change("mixed", 50), change("quotes", 50, shift=0.8), change("alias", 0))
    assert [one.change for one in info.changes] == ["mixed", "quotes"] and info.first == "Teacher"
    assert probe_sentence(info) == (
        "After up to three changes that keep what the code does, another answer: Teacher on 4.0%, Student on 10.0% of "
        "50 functions. Beside Teacher, Student 2.5 times as often."
    )
    rows = probe_rows(info)
    assert len(rows) == 4 and rows[0]["Agreement (%)"] is None and rows[1]["Sure as well"] == "30 of 40"
    figure = flips_figure(info)
    assert [list(trace.x) for trace in figure.data] == [[0.04, 0.04], [0.1, 0.1]]
    assert list(figure.layout.yaxis.ticktext) == ["mixed (50)", "quotes (50)"]
    assert figure.data[1].error_x.array[0] == pytest.approx(0.2)


def test_the_worst_example_with_its_edit() -> None:
    info = probe(change("mixed", 50), change("quotes", 50, shift=0.8))
    worst = info.worst
    assert worst is not None and worst.changes == ("quotes",)
    assert edit(worst.before, worst.after) == " def f():\n-    return 'a'\n+    return \"a\""
    assert worst_sentence(info, worst) == (
        "“vulnerable”: Teacher 90.0% before and 80.0% after, Student 90.0% before and 10.0% after. By quotes; the "
        "truth is “vulnerable”."
    )


def test_nothing_to_change_and_a_teacher_that_never_flips() -> None:
    empty = probe(change("alias", 0))
    assert probe_sentence(empty).startswith("None of these changes") and empty.worst is None
    assert flips_figure(empty).layout.annotations[0].text == "Nothing was changed"
    assert probe_sentence(probe(change("quotes", 50, teacher=0))).endswith("10.0% of 50 functions.")


def test_pairs_with_different_labels() -> None:
    pairs = {"Teacher": PairAnswers(pairs=40, changed=30, both_right=20, interval=(0.3, 0.7))}
    assert pairs_sentence(probe(change("mixed", 50), pairs=pairs)) == (
        "Of 40 hand-written pairs, unsafe and fixed: Teacher gives both halves the right answer in 50%, and both the "
        "same in 25%."
    )
    assert pairs_sentence(probe(change("mixed", 50))) == ""


def test_a_damaged_result() -> None:
    with pytest.raises(RunError, match="probe the models again"):
        probe_info({"type": "probe-summary"})
