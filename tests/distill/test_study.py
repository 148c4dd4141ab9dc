"""Students at several budgets and seeds: what is planned, made, kept, and said of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import cost
from compressor_core.distill import distillation
from compressor_core.distill.lessons import soft_label_divergence
from compressor_core.distill.settings import DistillSettings, StudySettings, parse_budgets
from compressor_core.distill.study import jobs, make_student, study, study_summary
from compressor_core.errors import BudgetError, CompressorError, ModelError, SettingsError, TrainingError
from compressor_core.latency_model import PARTS, LatencyModel, Lengths, Runtime
from compressor_core.models.card import read_card
from compressor_core.records import BudgetSummary, Progress, StudyStudent, Work
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Goal, Objective
from compressor_core.task import PairFeatures, Task
from tests.tiny import run_through

Record = dict[str, Any]
SAME = ("budget_mb", "seed", *GENES, "size_mb", "paper_gflops", "accuracy", "teacher_accuracy", "agreement")
"""What a student is told to be, however fast the machine."""


@pytest.fixture(scope="module", autouse=True)
def few_latencies() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compressor_core.distill.study.LATENCY_EXAMPLES", 2)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("students")


@pytest.fixture(scope="module")
def records(tiny_study: StudySettings, folder: Path) -> list[Any]:
    """Those of the whole study."""
    return run_through(study(tiny_study, folder))


def of_type(records: list[Any], kind: str) -> list[Any]:
    return [record for record in records if record.type == kind]


def untimed(records: list[Any]) -> list[Any]:
    return [{key: getattr(record, key) for key in SAME} for record in records]


def after(asked: int) -> Callable[[], bool]:
    """Says True from the so-manieth question on."""
    count = iter(range(1_000_000))
    return lambda: next(count) >= asked


def test_the_jobs_are_the_optima_with_every_seed(tiny_study: StudySettings) -> None:
    planned = jobs(tiny_study)
    assert [job.name for job in planned] == ["0.19-0", "0.2-0", "0.19-1", "0.2-1"]
    for job in planned:
        best = optimum(SearchSpace.classroom(), Objective(budget_mb=job.budget_mb))
        assert job.settings.architecture == best.architecture
        assert cost(job.settings.architecture, Task.VULNERABILITY).size_mb <= job.budget_mb
        assert (job.settings.seed, job.settings.budget_mb) == (job.seed, job.budget_mb)
    with pytest.raises(BudgetError, match=r"0\.001"):
        jobs(tiny_study.replace(budgets=(0.001,)))


def architectures(asked: StudySettings) -> list[Architecture]:
    return [made for job in jobs(asked) if (made := job.settings.architecture) is not None]


def test_the_fastest_by_prediction(tiny_study: StudySettings) -> None:
    prices = tuple(1.0 if part.name == "layers" else 1e-9 for part in PARTS)
    model = LatencyModel(
        Runtime.PYTORCH, Task.VULNERABILITY, PairFeatures.COMPARE, Lengths((1000,), (100.0,), (1e4,)), prices
    )
    fastest = tiny_study.replace(goal=Goal.LATENCY, latency=model)
    assert StudySettings.model_validate(json.loads(json.dumps(fastest.model_dump(mode="json")))) == fastest
    assert {made.num_hidden_layers for made in architectures(fastest)} == {1}


def test_the_fastest_with_a_least_computation(tiny_study: StudySettings) -> None:
    prices = tuple(1.0 if part.name == "layers" else 1e-9 for part in PARTS)
    model = LatencyModel(
        Runtime.PYTORCH, Task.VULNERABILITY, PairFeatures.COMPARE, Lengths((1000,), (100.0,), (1e4,)), prices
    )
    fastest = tiny_study.replace(budgets=(1.0, 3.0), seeds=(0,), goal=Goal.LATENCY, latency=model)

    def gflops(asked: StudySettings) -> list[float]:
        return [cost(one, Task.VULNERABILITY).paper_gflops for one in architectures(asked)]

    assert max(gflops(fastest)) < 0.3
    assert min(gflops(fastest.replace(min_gflops=0.3))) >= 0.3
    with pytest.raises(BudgetError):
        jobs(fastest.replace(min_gflops=1000.0))


def test_the_recipe_is_that_of_the_distillation(tiny_study: StudySettings) -> None:
    (plain, *_), defaults = jobs(tiny_study), DistillSettings(teacher="teacher", architecture="400,16,1,2,16")
    assert plain.settings.recipe() == defaults.recipe()
    assert (plain.settings.average, plain.settings.patience) == (defaults.average, defaults.patience)
    recipe = {"renaming": 0.5, "hidden_weight": 0.1, "masked_epochs": 2, "average": 3, "patience": 4, "device": "cpu"}
    own = StudySettings.model_validate({**tiny_study.model_dump(mode="json"), **recipe})
    for job in jobs(own):
        assert {name: getattr(job.settings, name) for name in recipe} == recipe
    assert StudySettings.model_validate(json.loads(json.dumps(own.model_dump(mode="json")))) == own
    for wrong in ({"renaming": 2.0}, {"hidden_weight": -1.0}, {"average": -1}, {"patience": 0}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            jobs(tiny_study.replace(**wrong))


def test_what_is_made_is_on_the_disk_and_in_the_summary(folder: Path, records: list[Any]) -> None:
    students, result = of_type(records, "student"), records[-1]
    assert [(one.budget_mb, one.seed) for one in students] == [(0.19, 0), (0.2, 0), (0.19, 1), (0.2, 1)]
    for one in students:
        assert Path(one.model) == folder / f"{one.budget_mb}-{one.seed}"
        card = read_card(Path(one.model))
        assert card is not None and card.architecture is not None
        assert card.architecture == one.architecture
        assert (card.seed, card.budget_mb, card.metrics["accuracy"]) == (one.seed, one.budget_mb, one.accuracy)
        assert 0 < one.size_mb <= one.budget_mb and one.latency_ms > 0 and one.teacher_latency_ms > 0
    assert len({one.teacher_accuracy for one in students}) == 1  # one draw of the data for all
    assert not list(folder.glob("*.pt"))

    assert result.type == "study-summary" and not result.cancelled
    assert [(one.budget_mb, one.seed) for one in result.students] == [
        (0.19, 0),
        (0.19, 1),
        (0.2, 0),
        (0.2, 1),
    ]
    assert result.teacher_accuracy == students[0].teacher_accuracy and result.planned == 4
    assert [one.budget_mb for one in result.budgets] == [0.19, 0.2]
    small = [one.accuracy for one in students if one.budget_mb == 0.19]
    assert result.budgets[0].mean == pytest.approx(sum(small) / 2)
    assert (result.budgets[0].min, result.budgets[0].max) == (min(small), max(small))
    fractions = [record.fraction for record in of_type(records, "progress") if record.fraction is not None]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1


def test_the_same_again_trains_nothing_and_elsewhere_comes_to_the_same(
    tiny_study: StudySettings, folder: Path, records: list[Any], tmp_path: Path
) -> None:
    students = of_type(records, "student")
    again = run_through(study(tiny_study, folder))
    assert of_type(again, "student") == students and again[-1] == records[-1]
    assert not [one for one in of_type(again, "progress") if "poch" in one.message]
    elsewhere = run_through(study(tiny_study.replace(seeds=(1,), budgets=(0.2,)), tmp_path))
    assert untimed(of_type(elsewhere, "student")) == untimed(students[3:])


def test_cut_short_anywhere_it_goes_on_where_it_stood(
    tiny_study: StudySettings, records: list[Any], tmp_path: Path
) -> None:
    told: list[Any] = []
    sittings = 0
    while not told or told[-1].cancelled:
        kept = of_type(told, "student")
        fresh = run_through(study(tiny_study, tmp_path, after(8), kept))
        assert len(fresh[-1].students) == len(kept) + len(of_type(fresh, "student"))
        told += fresh
        sittings += 1
        assert sittings < 30
    assert sittings > 3
    assert untimed(of_type(told, "student")) == untimed(of_type(records, "student"))
    steps = [one.message.split(": ", 1)[1] for one in of_type(told, "progress") if ": Epoch" in one.message]
    whole = [one.message.split(": ", 1)[1] for one in of_type(records, "progress") if ": Epoch" in one.message]
    assert steps == whole  # each step once: nothing is trained twice


def test_cancelled_before_the_first_student_there_is_a_result_without(
    tiny_study: StudySettings, tmp_path: Path
) -> None:
    result = run_through(study(tiny_study, tmp_path, lambda: True))[-1]
    assert result.cancelled is True
    assert (result.students, result.budgets, result.teacher_accuracy) == ((), (), None)


def diverging(monkeypatch: pytest.MonkeyPatch, seeds: set[int]) -> None:
    """Makes the loss of the students with these seeds no number."""
    spoiled = 1.0

    def distill(settings: DistillSettings, *rest: Any, **more: Any) -> Work[Any]:
        nonlocal spoiled
        spoiled = math.nan if settings.seed in seeds else 1.0
        return (yield from distillation.distill(settings, *rest, **more))

    monkeypatch.setattr("compressor_core.distill.study.distill", distill)
    monkeypatch.setattr(
        "compressor_core.distill.distillation.soft_label_divergence",
        lambda *given, **more: spoiled * soft_label_divergence(*given, **more),
    )


def test_a_student_that_diverges_does_not_stop_the_others_and_is_tried_again(
    tiny_study: StudySettings, records: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = tiny_study.replace(budgets=(0.19,))
    with monkeypatch.context() as patch:
        diverging(patch, {0})
        told = run_through(study(narrow, tmp_path))
    (failed,) = of_type(told, "failed")
    assert (failed.budget_mb, failed.seed) == (0.19, 0) and "no model is kept" in failed.message
    (made,) = of_type(told, "student")
    result = told[-1]
    assert [one.seed for one in result.students] == [made.seed] == [1] and not result.cancelled
    assert [(one.budget_mb, one.seed, one.message) for one in result.failed] == [(0.19, 0, failed.message)]
    assert told[-2] == Progress(fraction=1.0, message="1 student, 1 failed")
    again = run_through(study(narrow, tmp_path, done=told))
    assert again[-1].failed == () and [one.seed for one in of_type(again, "student")] == [0]
    assert untimed(again[-1].students) == untimed(records[-1].students[:2])


def test_where_no_student_can_be_made_the_study_fails(
    tiny_study: StudySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverging(monkeypatch, {0, 1})
    told = []
    with pytest.raises(TrainingError, match=r"not one of 2 students could be made: .*step"):
        for record in study(tiny_study.replace(budgets=(0.19,)), tmp_path):
            told.append(record)
    assert len(of_type(told, "failed")) == 2


def test_a_student_of_other_settings_is_not_taken_for_this_one(
    tiny_study: StudySettings, folder: Path, records: list[Any], tmp_path: Path
) -> None:
    job = jobs(tiny_study)[0]
    (again,) = make_student(job, folder)
    assert again == of_type(records, "student")[0]
    with pytest.raises(ModelError, match=r"0\.19-0 is a student of another epochs"):
        list(make_student(replace(job, settings=job.settings.replace(epochs=2)), folder))
    (tmp_path / "0.19-0.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        list(make_student(job, tmp_path))


def test_the_summary_of_a_budget() -> None:
    def one(accuracy: float, size: float = 1.0) -> StudyStudent:
        genes = dict.fromkeys(GENES, 1)
        times = {"latency_ms": 2 * size, "teacher_latency_ms": 40.0, "seconds": 1.0}
        scores = {"accuracy": accuracy, "teacher_accuracy": 0.9, "agreement": 1.0, "paper_gflops": 1.0}
        return StudyStudent(**genes, **times, **scores, budget_mb=3.0, seed=0, size_mb=size, parameters=1, model="m")

    summary = BudgetSummary.of([one(0.6), one(0.7, 2.0), one(0.8, 3.0)])
    assert summary.mean == pytest.approx(0.7) and summary.standard_deviation == pytest.approx(0.1)
    assert (summary.min, summary.max, summary.students) == (0.6, 0.8, 3)
    assert (summary.size_mb, summary.latency_ms, summary.teacher_latency_ms) == (2.0, 4.0, 40.0)
    assert BudgetSummary.of([one(0.6)]).standard_deviation is None
    assert study_summary([], StudySettings(teacher="teacher")).budgets == ()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"budgets": []}, "at least one budget"),
        ({"seeds": []}, "at least one budget and one seed"),
        ({"budgets": [0.0]}, "budgets must be a list of which each is a number above 0"),
        ({"budgets": ["3"]}, "budgets must be a list of which each is a number above 0"),
        ({"budgets": "3"}, "must be a list"),
        ({"seeds": [-1]}, "whole number from 0"),
        ({"seeds": [True]}, "whole number from 0"),
        ({"seeds": list(range(400))}, "more than 500"),
        ({"space": "all"}, "space must be classroom or paper"),
        ({"preset": "slow"}, "preset must be smoke or"),
        ({"epochs": 0}, "epochs must be"),
        ({"goal": "size"}, "gflops or latency"),
        ({"goal": "latency"}, "calibrate this machine first"),
        ({"min_gflops": 0}, "min_gflops must be a number above 0"),
        ({"pair_features": "none"}, "pair_features must be compare or concat"),
        ({"colour": "red"}, "there is no setting 'colour' of a study: choose from .*teacher"),
    ],
)
def test_settings_that_are_none(wrong: Record, match: str) -> None:
    with pytest.raises(CompressorError, match=match):
        StudySettings.model_validate({"teacher": "t", **wrong})
    with pytest.raises(SettingsError):
        StudySettings.model_validate({})


def test_budgets_are_sorted_and_nothing_is_double() -> None:
    config = StudySettings(teacher="t", budgets=(3, 1.0, 3.0), seeds=(2, 0, 2))
    assert (config.budgets, config.seeds, config.students) == ((1.0, 3.0), (2, 0), 4)
    assert StudySettings.model_validate(json.loads(json.dumps(config.model_dump(mode="json")))) == config


def test_budgets_are_read_from_text() -> None:
    assert parse_budgets(" 0.5, 1,3 ,") == (0.5, 1.0, 3.0) and parse_budgets("") == ()
    with pytest.raises(BudgetError, match=r"'1, many': write megabytes"):
        parse_budgets("1, many")
