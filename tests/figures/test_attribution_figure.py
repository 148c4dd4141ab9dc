"""Lines with scores and answers with probabilities, as they are drawn; nothing that is shown is markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from compressor_core.figures.compare.answers import (
    AnswersInfo,
    answers_figure,
    answers_headline,
    edit_metrics,
    edit_sentence,
    sure,
    unsure_sentence,
)
from compressor_core.figures.compare.attribution import (
    attribution_caveat,
    attribution_html,
    attribution_info,
    attribution_sentence,
)
from compressor_core.records import AlarmThreshold, Attribution, Prediction

CODE = "def f(x):\n    y = eval(x)\n\n    return y\n# one\n# two\n# three\n# four\n# five\n"


def scored(
    label: str, lines: list[list[float | None]], *, margin: float = 1.0, baseline: float = 0.0, missing: float = 0.0
) -> Attribution:
    return Attribution(
        label=label,
        lines=tuple(map(tuple, lines)),
        margin=margin,
        baseline=baseline,
        missing=missing,
        gradients=20,
    )


def records(*functions: tuple[list[float | None], list[float | None]]) -> dict[str, Attribution]:
    return {
        "teacher": scored("vulnerable", [teacher for teacher, _ in functions]),
        "student": scored("safe", [student for _, student in functions]),
    }


READ: tuple[list[float | None], list[float | None]] = (
    [0.5, 4.0, 0.0, -2.0, *[None] * 5],
    [1.0, 0.2, 0.0, None, *[None] * 5],
)


def test_lines_with_the_scores_of_both_sides() -> None:
    info = attribution_info([CODE], records(READ))
    assert [line.number for line in info.lines] == [1, 2, 3, 4, 5, 6] and info.more == 3
    assert [info.share("teacher", line) for line in info.lines[:4]] == [0.125, 1.0, 0.0, -0.5]
    assert info.top("teacher") == [2, 1] and info.top("student") == [1, 2]
    assert (
        attribution_sentence([info], "teacher") == "For the teacher's answer, vulnerable, lines 2 and 1 mattered most."
    )


def test_the_bars_of_a_pair_have_one_scale() -> None:
    found = records(([1.0, 2.0], [1.0, 1.0]), ([-8.0, 0.0], [0.0, 0.0]))
    first, second = (attribution_info(["a\nb", "c\nd"], found, number) for number in range(2))
    assert first.largest == second.largest == {"teacher": 8.0, "student": 1.0}
    assert second.share("teacher", second.lines[0]) == -1
    assert attribution_sentence([first, second], "teacher").endswith(
        "lines 2 and 1 of the first function mattered most."
    )


def test_nothing_speaks_for_an_answer() -> None:
    info = attribution_info(["a"], {"student": scored("safe", [[0.0]])})
    assert attribution_sentence([info], "student") == "No line speaks for the student's answer, safe."
    assert "<i" not in attribution_html(info)
    assert attribution_info([""], {"student": scored("safe", [[]])}).lines == ()


def test_the_table_tells_sign_and_what_is_not_read_without_colour() -> None:
    html = attribution_html(attribution_info([CODE], records(READ)))
    rows = re.findall(r"<tr.*?</tr>", html)
    assert len(rows) == 1 + 6 + 1
    assert 'class="teacher"' in rows[2] and "width:50.0%;left:50%" in rows[2] and "teacher: +4.00 logits" in rows[2]
    assert 'class="teacher against"' in rows[4] and "width:25.0%;right:50%" in rows[4]
    assert rows[4].count("not read</td>") == 1 and rows[5].count("not read</td>") == 2
    assert 'class="unread"' in rows[5] and 'class="unread"' not in rows[4]
    assert "3 more lines, not read" in rows[7]


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "<b>&amp;</b>", "</td></table><script>x</script>", "\"'>"]
)
def test_code_and_labels_are_never_markup(text: str) -> None:
    plain = attribution_html(attribution_info(["x"], {"student": scored("x", [[1.0]])}))
    html = attribution_html(attribution_info([text], {"student": scored(text, [[1.0]])}))
    tags = r"<[^>]*>"
    assert re.findall(tags, html) == re.findall(tags, plain)
    answer = Prediction(label=text, probabilities={text: 1.0, "b": 0.0}, milliseconds=1.0)
    found = AnswersInfo({"student": answer})
    drawn = json.loads(answers_figure(found).to_json())["data"][0]
    assert "<" not in "".join(drawn["y"])


def test_scores_that_do_not_add_up_are_told() -> None:
    good = scored("safe", [[1.0]], margin=5.0, baseline=1.0, missing=-0.1)
    assert attribution_caveat({"teacher": good, "student": good.model_copy(update={"missing": 0.2})}) is None
    said = attribution_caveat({"teacher": good, "student": good.model_copy(update={"missing": -1.0})})
    assert said is not None and said.startswith("The student's scores add up to 3.00 in the place of 4.00:")


def test_a_long_line_is_cut_and_nothing_else() -> None:
    info = attribution_info(["x" * 5_000], {"student": scored("safe", [[1.0]])})
    assert "x" * 400 + " …</td>" in attribution_html(info) and "x" * 401 not in attribution_html(info)


def said(teacher: str, student: str, times: tuple[float, float] = (30.0, 10.0)) -> dict[str, Prediction]:
    sides = zip(("teacher", "student"), (teacher, student), times, strict=True)
    return {
        side: Prediction(
            label=label,
            probabilities={"safe": 0.25 if label != "safe" else 0.75, "bad": 0.75 if label != "safe" else 0.25},
            milliseconds=time,
        )
        for side, label, time in sides
    }


@pytest.mark.parametrize(
    ("found", "truth", "headline"),
    [
        (said("bad", "bad"), None, "Both say bad. The student was 3.0 times as fast."),
        (said("bad", "bad"), 0, "Both say bad, which is wrong. The student was 3.0 times as fast."),
        (
            said("bad", "safe", (10.0, 10.0)),
            0,
            "They disagree: the teacher says bad, which is wrong, the student says safe, which is right. "
            "The student was no faster.",
        ),
        (said("safe", "safe", (10.0, 20.0)), None, "Both say safe. The student took 2.0 times as long."),
        ({"student": said("bad", "safe")["student"]}, None, "The student says safe."),
    ],
)
def test_the_headline_says_who_is_right_and_who_is_faster(found: Any, truth: int | None, headline: str) -> None:
    assert answers_headline(AnswersInfo(found, truth)) == headline


def limits(**ends: float) -> dict[str, AlarmThreshold]:
    return {side: AlarmThreshold(probability=end, inputs=200, share=0.05, of="functions") for side, end in ends.items()}


def test_an_alarm_that_clean_code_raises_too_is_unsure() -> None:
    both = AnswersInfo(said("bad", "bad"), 1, limits(teacher=0.9, student=0.8))
    assert answers_headline(both).startswith("Both are unsure, leaning to bad.")
    one = AnswersInfo(said("bad", "bad"), 1, limits(teacher=0.9, student=0.6))
    assert [one.label(side) for side in one.answers] == ["unsure", "bad"]
    assert [one.right(side) for side in one.answers] == [False, True]
    assert answers_headline(one).startswith(
        "The teacher is unsure, leaning to bad, the student says bad, which is right."
    )
    assert "bad with no more than 90.0% for the teacher and 60.0% for the student" in (unsure_sentence(one) or "")
    safe = AnswersInfo(said("safe", "safe"), None, limits(teacher=0.9))
    assert answers_headline(safe).startswith("Both say safe.") and unsure_sentence(AnswersInfo({})) is None


def test_an_edit_keeps_the_answers_or_flips_them() -> None:
    before, after = AnswersInfo(said("bad", "bad"), 1), AnswersInfo(said("bad", "safe"), 1)
    assert edit_sentence(before, after) == "The code does what it did. Answers that flip: student."
    assert edit_sentence(before, before).endswith("Answers that flip: none.")
    assert edit_sentence(before, replace(after, truth=0)) == "Right on both halves: student."
    assert edit_sentence(before, AnswersInfo(said("bad", "bad"), 0)) == "Right on both halves: nobody."
    assert edit_metrics(before, after)[2:] == [
        ("Student before", "bad", "75.0% sure"),
        ("Student after", "safe", "75.0% sure"),
    ]


def test_classes_are_the_same_whatever_each_side_calls_them() -> None:
    found = said("bad", "bad")
    found["teacher"] = Prediction(label="1", probabilities={"0": 0.0, "1": 1.0}, milliseconds=30.0)
    info = AnswersInfo(found, 1)
    assert answers_headline(info).startswith("Both say bad, which is right.") and info.true_label == "bad"
    assert sure(info.answers["teacher"]) == "more than 99.9% sure" and sure(info.answers["student"]) == "75.0% sure"


def test_each_side_has_its_own_bars() -> None:
    info = AnswersInfo(said("bad", "safe"))
    figure = json.loads(answers_figure(info).to_json())
    teacher, student = figure["data"]
    assert (teacher["name"], student["name"]) == ("Teacher", "Student")
    assert teacher["y"] == student["y"] == ["safe", "bad"]
    assert teacher["x"] == [25.0, 75.0] and student["x"] == [75.0, 25.0]
    assert teacher["marker"]["color"] != student["marker"]["color"]
