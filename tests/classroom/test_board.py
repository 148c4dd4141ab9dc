"""The board of a class: what is on it, who has which place, and forecasts against what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.classroom.board import board, cancel_all
from compressor_core.classroom.record import Challenge, ClassRecord, Classroom, ClassSettings, Forecast
from compressor_core.figures.classroom.board import (
    NAMED,
    BoardInfo,
    Made,
    board_figure,
    board_rows,
    board_sentence,
    forecast_figure,
    forecast_rows,
    forecast_sentence,
)
from compressor_core.records import Record, StudySummary
from compressor_core.runs import Run, RunStore, State, Status
from compressor_core.runs.lock import acquire
from compressor_core.search.genetic import SearchSettings
from tests.collect import searched
from tests.runs.summaries import GENES, MACHINE, distilled

SEARCH = SearchSettings(budget_mb=3.0, population=10, generations=4, space=SearchSpace.classroom())


class Lesson:
    """A class with participants, who have made something."""

    def __init__(self, root: Path, challenge: Challenge = Challenge.ACCURATE) -> None:
        self.room, self.root = Classroom(root), root
        self.room.open(ClassSettings(name="A class", challenge=challenge))
        self.ids: dict[str, str] = {}

    @property
    def record(self) -> ClassRecord:
        return self.room.require()

    def join(self, name: str, *forecast: float) -> None:
        self.ids[name] = self.room.join(name).id
        if forecast:
            self.room.commit(self.ids[name], Forecast(accuracy=forecast[0], size_mb=forecast[1]))

    def store(self, name: str) -> RunStore:
        by = next(one for one in self.record.participants if one.id == self.ids[name])
        return RunStore(self.root, self.record.maker(by, "10.0.0.1"))

    def made(self, name: str, kind: str, summary: Record | None, **config: Any) -> Run:
        run = self.store(name).create(kind, config)
        run.record(Status(state=State.FINISHED, summary=summary))
        return run

    def student(self, name: str, accuracy: float, size_mb: float, **more: Any) -> Run:
        return self.made(
            name, "distill", distilled("m", accuracy, size_mb=size_mb, **more), dataset=self.record.dataset
        )

    def board(self) -> BoardInfo:
        return board(RunStore(self.root), self.record)


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    made = Lesson(tmp_path / "runs")
    for name in ("Ada", "Grace", "Alan"):
        made.join(name, 0.85, 2.0)
    return made


def places(info: BoardInfo) -> list[tuple[str, float | None]]:
    return [(one.who, one.accuracy) for one in info.made if one.place]


def test_searches_and_students_of_the_class_are_on_the_board(lesson: Lesson) -> None:
    assert board_sentence(lesson.board()) == "No student meets the challenge yet (searches: 0, students: 0)."
    found = searched(SEARCH)
    run = lesson.made("Ada", "search", found, **SEARCH.model_dump(mode="json"))
    lesson.made("Ada", "search", found, **{**SEARCH.model_dump(mode="json"), "task": "clone"})
    lesson.student("Grace", 0.8, 0.9, flips=0.25)
    lesson.made("Alan", "distill", distilled("m", 0.99, size_mb=0.5), dataset="file")  # an easier test split
    lesson.made("Alan", "distill", None, dataset=lesson.record.dataset)
    RunStore(lesson.root).create("search", {})  # of nobody
    info = lesson.board()
    assert [(one.who, one.kind) for one in info.made] == [("Grace", "student"), ("Ada", "search")]
    assert found.best is not None and info.made[1].gflops == found.best.paper_gflops and info.made[1].gap == found.gap
    student, found_row = board_rows(info)
    assert student["Answers that flip (%)"] == 25.0 and student["Below the teacher (points)"] == pytest.approx(10.0)
    assert found_row["Run"] == run.id and found_row["Accuracy (%)"] is None and found_row["Place"] is None
    assert board_sentence(info) == "Grace leads: accuracy 80.0% at 0.90 MB."
    assert list(info.optima) == ["classroom"] and max(size for size, _ in info.optima["classroom"]) > 50
    # Nobody's search is above the curve of the space that it looked through.
    assert max(g for size, g in info.optima["classroom"] if size <= info.made[1].size_mb) >= info.made[1].gflops - 1e-9
    lesson.room.remove(lesson.ids["Grace"])
    assert [one.who for one in lesson.board().made] == ["Ada"]
    lesson.room.reset()
    assert not lesson.board().made


def test_each_challenge_ranks_the_best_student_of_everybody(tmp_path: Path) -> None:
    for challenge, expected in (
        (Challenge.ACCURATE, [("Grace", 0.88), ("Ada", 0.8)]),
        (Challenge.SMALL, [("Ada", 0.89), ("Grace", 0.88), ("Alan", 0.95)]),
        (Challenge.FAST, [("Alan", 0.9)]),
    ):
        lesson = Lesson(tmp_path / challenge, challenge)
        for name in ("Ada", "Grace", "Alan"):
            lesson.join(name)
        lesson.student("Ada", 0.8, 0.2)
        lesson.student("Ada", 0.89, 0.6 if challenge is Challenge.SMALL else 1.01)
        lesson.student("Grace", 0.88, 1.0)  # exactly two points below
        lesson.student("Grace", 0.8799, 1.0)
        lesson.student("Alan", 0.95, 40.0, teacher_accuracy=None)
        if challenge is not Challenge.ACCURATE:
            one = {**GENES.model_dump(), "budget_mb": 5.0, "seed": 0, "size_mb": 5.0, "parameters": 1, "seconds": 1.0}
            one |= {"paper_gflops": 1.0, "accuracy": 0.9, "teacher_accuracy": 0.9, "agreement": 1.0, "model": "m"}
            one |= {"latency_ms": 2.0, "teacher_latency_ms": 9.0}
            if challenge is Challenge.SMALL:
                one |= {"accuracy": 0.95}
            summary = StudySummary(planned=1, students=(one,), failed=(), budgets=(), machine=MACHINE, seconds=1.0)
            lesson.made("Alan", "study", summary, dataset=lesson.record.dataset)
        info = lesson.board()
        assert places(info) == expected, challenge
        assert [one.place for one in info.made if one.place] == list(range(1, len(expected) + 1))
        assert (info.most_mb, info.lost) == ((1.0, None) if challenge is Challenge.ACCURATE else (None, 0.02))
        if challenge is Challenge.FAST:
            assert board_sentence(info).endswith("4.5 times as fast as the teacher.")


def test_forecasts_stand_against_outcomes(lesson: Lesson) -> None:
    assert forecast_sentence(lesson.board()) == "No forecast has an outcome yet."
    assert forecast_figure(lesson.board()).layout.annotations[0].text == "No forecast has an outcome yet"
    lesson.student("Ada", 0.95, 3.0)  # too large for a place, but the best so far
    lesson.student("Grace", 0.9, 3.0)
    lesson.student("Grace", 0.8, 0.5)
    info = lesson.board()
    assert [(one.who, round(one.points, 6)) for one in info.foretold] == [("Ada", 10.0), ("Grace", -5.0)]
    assert "off by 7.5 points (median of 2): 1 too low, 1 too high" in forecast_sentence(info)
    assert [row["Size, outcome (MB)"] for row in forecast_rows(info)] == [3.0, 0.5]
    figure = forecast_figure(info)
    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name["forecast"].y) == [85.0, 85.0] and list(by_name["outcome"].y) == [95.0, 80.0]
    assert list(by_name["outcome"].text) == ["Ada", "Grace"]


def test_the_figure_shows_what_the_info_says(lesson: Lesson) -> None:
    empty = board_figure(lesson.board())
    assert [trace.name for trace in empty.data] == ["true optima, classroom space"]
    assert lesson.board().teacher and empty.layout.shapes  # the bundled one's line stands from the start
    lesson.student("Ada", 0.8, 0.5)
    lesson.student("Grace", 0.7, 0.4)
    figure = board_figure(lesson.board())
    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name["leads the challenge"].text) == ["Ada"] and list(by_name["student"].text) == ["Grace"]
    assert list(by_name["student"].y) == [70.0] and list(by_name["student"].x) == [0.4]
    texts = [one.text for one in figure.layout.annotations]
    assert "teacher 90.0%" in texts and "1 MB" in texts
    low, high = figure.layout.yaxis.range
    assert low < 70 and high > 90
    many = [Made(f"visitor {n}", "student", 1 + n / 100, 1.0, "a", "r", n, accuracy=0.5) for n in range(NAMED + 1)]
    crowded = BoardInfo(tuple(many), (), {}, None)
    assert set(board_figure(crowded).data[0].text) == {""} and len(board_figure(crowded).data[0].x) == NAMED + 1


def test_all_runs_of_one_participant_are_cancelled(lesson: Lesson) -> None:
    runs = [lesson.store(name).create("search", {}) for name in ("Ada", "Ada", "Grace")]
    for run in runs:
        acquire(run.folder)
        run.record(Status(state=State.RUNNING))
    lesson.student("Ada", 0.8, 0.5)
    assert cancel_all(RunStore(lesson.root), lesson.record, lesson.ids["Ada"]) == 2
    assert [run.cancel_marker.exists() for run in runs] == [True, True, False]
