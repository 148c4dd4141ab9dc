"""Several objectives: NSGA-II finds the true front of a small space; its records, its lineage, its limits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import cost
from compressor_core.errors import CompressorError
from compressor_core.progress import finish
from compressor_core.records import Bred, FrontGeneration, TrueFront, read_record
from compressor_core.search.front import best_of
from compressor_core.search.pareto import (
    MOST_RECORDED,
    best_possible,
    evolve,
    tradeoff,
)
from compressor_core.search.tradeoff import MeasuredStudent, TradeoffSettings
from compressor_core.task import Task
from tests.collect import collected, kept
from tests.search.test_front import MODEL, SPACE

ROOT = Path(__file__).resolve().parents[2]
LARGE = SearchSpace(tuple(range(8, 1008)), tuple(range(8, 208)), (1, 2, 3), (1, 2), tuple(range(8, 208)))
THREE = ("latency_ms", "paper_gflops", "size_mb")
STUDENTS = (
    MeasuredStudent(architecture=Architecture(1000, 96, 12, 8, 64), accuracy=0.61, dataset="devign", run="run-1"),
    MeasuredStudent(architecture=Architecture(1000, 64, 3, 4, 64), accuracy=0.59, dataset="devign"),
    MeasuredStudent(architecture=Architecture(2000, 96, 3, 4, 64), accuracy=0.57, dataset="devign"),
    MeasuredStudent(architecture=Architecture(2000, 160, 6, 8, 512), accuracy=0.64, dataset="devign"),
    MeasuredStudent(architecture=Architecture(2000, 160, 6, 8, 512), accuracy=0.63, dataset="devign"),
)


def short(**changes: Any) -> TradeoffSettings:
    return TradeoffSettings(**{"space": "paper", "population": 12, "generations": 8, **changes})


def generations_of(settings: TradeoffSettings) -> list[FrontGeneration]:
    return list(evolve(settings))


def both(settings: TradeoffSettings) -> tuple[TrueFront, list[FrontGeneration]]:
    truth, *rest = kept(tradeoff(settings))
    assert isinstance(truth, TrueFront)
    return truth, [record for record in rest if isinstance(record, FrontGeneration)]


@pytest.mark.parametrize("objectives", [("size_mb", "paper_gflops"), THREE], ids=len)
def test_the_whole_true_front_of_a_small_space_is_found(objectives: Any) -> None:
    config = TradeoffSettings(objectives=objectives, space=SPACE, latency=MODEL, population=20, generations=40)
    _, summary = collected(tradeoff(config))
    assert summary.hypervolume_share == pytest.approx(1)
    assert summary.on_true_front == summary.true_front_size == len(summary.front)
    found = [[getattr(each, objective) for objective in objectives] for each in summary.front]
    assert np.array(found) == pytest.approx(best_possible(config).values)
    assert summary.objectives == objectives


@pytest.mark.parametrize("seed", range(3))
def test_the_papers_space_is_nearly_covered_at_the_defaults(seed: int) -> None:
    summary = finish(tradeoff(TradeoffSettings(seed=seed, space="paper", generations=50)))
    assert 0.99 < summary.hypervolume_share <= 1
    assert summary.evaluations <= 5_100


def test_records_are_complete_and_consistent() -> None:
    config = short(objectives=THREE, latency=MODEL, generations=12, space=SearchSpace.classroom())
    first, *rest = kept(tradeoff(config))
    assert isinstance(first, TrueFront) and first.objectives == THREE
    assert first.size > len(first.points) > MOST_RECORDED / 2
    assert len(first.points) <= MOST_RECORDED + 3
    by_id: dict[int, Bred] = {}
    share = 0.0
    for number, record in enumerate(rest):
        assert isinstance(record, FrontGeneration) and record.generation == number
        assert read_record(json.loads(record.model_dump_json())) == record
        assert len({each.id for each in record.individuals}) == 12
        for each in [*record.individuals, *record.perished]:
            assert by_id.setdefault(each.id, each) == each
            built = cost(each.architecture)
            assert (each.size_mb, each.paper_gflops) == (built.size_mb, built.paper_gflops)
            assert each.parameters == built.parameters
            assert each.latency_ms and each.latency_ms > 0 and each.feasible and each.accuracy is None
        values = np.array([[getattr(by_id[at], objective) for objective in THREE] for at in record.front])
        assert best_of(values, config.objectives).tolist() == list(range(len(values))), "the front is one, in order"
        assert share <= record.share <= 1
        share = record.share
        assert record.evaluations <= 12 * (number + 1)
    assert isinstance(rest[0], FrontGeneration) and share > rest[0].share


def test_lineage_can_be_drawn_and_no_architecture_is_judged_twice() -> None:
    records = generations_of(short(generations=20))
    by_id = {each.id: each for record in records for each in (*record.individuals, *record.perished)}
    assert len({each.architecture for each in by_id.values()}) == len(by_id)
    for each in by_id.values():
        assert all(parent < each.id for parent in each.parents)
        assert bool(each.parents) == (each.id >= 12)
        assert len(each.parents) <= 2
    assert {len(each.parents) for each in by_id.values()} == {0, 1, 2}


def test_the_same_seed_gives_the_same_trajectory_in_separate_processes() -> None:
    program = (
        "import hashlib, json, random; from compressor_core.search.pareto import *; random.seed();"
        "settings = TradeoffSettings(seed=3, population=10, generations=6);"
        "text = json.dumps([each.model_dump() for each in evolve(settings)]);"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    printed = [
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert len(printed[0]) > 60 and printed[0] == printed[1]
    assert generations_of(short(seed=3)) != generations_of(short(seed=4))


def test_the_trajectory_is_pinned_down() -> None:
    """Fails if a Python version, a library or an edit changes what a seed means."""
    last = generations_of(short(seed=1))[-1]
    assert (last.front[:6], len(last.front), last.evaluations) == ((42, 81, 78, 45, 15, 24), 66, 108)


def test_limits_bind_both_fronts_also_where_they_are_no_objective() -> None:
    limits = {"size_mb": 3, "paper_gflops": 0.5}
    config = short(objectives=("latency_ms", "paper_gflops"), limits=limits, latency=MODEL, generations=40)
    truth, rest = both(config)
    assert all(each.size_mb <= 3 and each.paper_gflops >= 0.5 for each in truth.points)
    feasible = {each.id: each.feasible for record in rest for each in record.individuals}
    assert False in feasible.values(), "choose a seed whose first random architectures are not all within the limits"
    for record in rest:
        for each in record.individuals:
            assert each.feasible == (each.size_mb <= 3 and each.paper_gflops >= 0.5)
        assert all(feasible.get(at, True) for at in record.front)
    assert all(each.feasible for each in rest[-1].individuals), "what is within the limits wins"
    assert rest[-1].share > rest[0].share


def test_a_start_without_anything_feasible_finds_its_way() -> None:
    records = generations_of(short(limits={"size_mb": 0.2}, generations=30))
    assert (records[0].front, records[0].hypervolume, records[0].share) == ((), 0, 0)
    assert records[-1].front


def test_limits_that_nothing_can_meet() -> None:
    with pytest.raises(CompressorError, match=r"size_mb at most 0\.01 and paper_gflops at least 2: loosen"):
        finish(tradeoff(short(limits={"size_mb": 0.01, "paper_gflops": 2})))


def test_a_tiny_space_is_exhausted() -> None:
    space = SearchSpace((1000,), (96,), (12,), (8,), (64,))
    summary = finish(tradeoff(short(space=space)))
    assert (summary.evaluations, summary.hypervolume_share, len(summary.front)) == (1, 1, 1)


def test_accuracy_is_looked_up_among_measured_students_only() -> None:
    config = short(objectives=("size_mb", "accuracy"), students=STUDENTS, generations=15)
    measured = {student.architecture: student.accuracy for student in reversed(STUDENTS)}
    truth, rest = both(config)
    front = [(each.architecture, each.accuracy) for each in truth.points]
    assert front == [(STUDENTS[at].architecture, STUDENTS[at].accuracy) for at in (1, 0, 3)]
    for record in rest:
        for each in record.individuals:
            architecture = each.architecture
            assert config.searched.contains(architecture)
            assert each.feasible == (architecture in measured) == (each.accuracy is not None)
            assert each.accuracy == measured.get(architecture)
    assert rest[-1].share == pytest.approx(1)


def test_flips_are_an_objective_of_students_of_which_they_are_known() -> None:
    known = tuple(one.replace(flips=share) for one, share in zip(STUDENTS[:3], (0.1, 0.0, 0.2), strict=True))
    config = short(objectives=("accuracy", "flips"), students=(*known, *STUDENTS[3:]), generations=3)
    points = both(config)[0].points
    assert [(each.accuracy, each.flips) for each in points] == [(0.59, 0.0), (0.61, 0.1)]
    for each in generations_of(config)[-1].individuals:
        assert each.feasible == (each.flips is not None)
    with pytest.raises(CompressorError, match="The share of flips is an objective once two different"):
        short(objectives=("size_mb", "flips"), students=(known[0], *STUDENTS[1:]))


def test_a_limit_on_accuracy_makes_students_the_space_too() -> None:
    config = short(limits={"accuracy": 0.6}, students=STUDENTS)
    points = both(config)[0].points
    assert {each.accuracy for each in points} == {0.61, 0.64}
    assert all(each.feasible == ((each.accuracy or 0) >= 0.6) for each in generations_of(config)[-1].individuals)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objectives": ("size_mb",)}, "two or three different objectives"),
        ({"objectives": ("size_mb", "size_mb")}, "two or three different objectives"),
        ({"objectives": ("size_mb", "paper_gflops", "latency_ms", "parameters")}, "two or three different objectives"),
        ({"objectives": ("size_mb", "beauty")}, "not 'beauty'"),
        ({"objectives": ("size_mb", "latency_ms")}, "calibrate it first"),
        ({"limits": {"latency_ms": 10}}, "calibrate it first"),
        ({"limits": {"size_mb": -1}}, "limit of size_mb must be a positive number, not -1"),
        ({"objectives": ("size_mb", "accuracy")}, "there are none: distill some first"),
        ({"objectives": ("size_mb", "accuracy"), "students": STUDENTS[-2:]}, "there is 1: distill some first"),
        (
            {
                "objectives": ("size_mb", "accuracy"),
                "students": (STUDENTS[0], STUDENTS[1].replace(accuracy=0.9, dataset="bigclonebench")),
            },
            "bigclonebench and devign cannot be held against each other",
        ),
        ({"space": LARGE}, "out of reach of enumeration"),
        ({"population": 1}, "population must be a whole number from 2"),
        ({"seed": -1}, "seed must be"),
        ({"mutation_rate": 2}, "mutation_rate must be"),
        ({"task": "poetry"}, "task must be"),
    ],
)
def test_settings_out_of_range(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CompressorError, match=words):
        TradeoffSettings(**changes)


def test_a_config_goes_through_json() -> None:
    config = short(
        objectives=THREE,
        limits={"size_mb": 3},
        task=Task.CLONE,
        space=SPACE,
        latency=MODEL,
        students=STUDENTS,
        seed=7,
    )
    assert TradeoffSettings.model_validate(json.loads(json.dumps(config.model_dump(mode="json")))) == config
    assert TradeoffSettings.model_validate({}) == TradeoffSettings()
    with pytest.raises(CompressorError, match="no setting 'budget'"):
        TradeoffSettings.model_validate({"budget": 3})
    with pytest.raises(CompressorError, match="a measured student needs accuracy"):
        TradeoffSettings.model_validate({"students": [{"architecture": "1000,96,12,8,64"}]})
