"""A search that is taken away as JSON and repeated elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compressor_core import __version__
from compressor_core.errors import CompressorError
from compressor_core.search.genetic import Operators, SearchSettings, evolve, search
from compressor_core.search.replica import Repeat, Replica, repeat, replica, trajectory
from tests.collect import kept

ROOT = Path(__file__).resolve().parents[2]


def made(stop: int | None = None, **changes: Any) -> dict[str, Any]:
    """A replica that has been through a file; of the first `stop` records only."""
    asked: dict[str, Any] = {"space": "paper", "budget_mb": 3.0, "population": 10, "generations": 6, "seed": 4}
    config = SearchSettings(**asked | changes)
    values = replica(config, kept(search(config))[:stop])
    return json.loads(values.model_dump_json())  # type: ignore[no-any-return]


def read(values: Any) -> Repeat:
    return repeat(Replica.model_validate(values))


@pytest.mark.parametrize("operators", Operators)
def test_another_process_visits_the_same_architectures(operators: Operators, tmp_path: Path) -> None:
    (tmp_path / "search.json").write_text(json.dumps(made(operators=operators)), "utf-8")
    program = (
        "import json, sys; from compressor_core.search.replica import Replica, repeat; "
        "known = Replica.model_validate(json.load(open(sys.argv[1], encoding='utf-8')));"
        "done = repeat(known); print(done.same, done.generations)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "search.json")],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"},
    )  # fmt: skip
    assert done.stdout.split() == ["True", "7"]


def test_a_cancelled_search_is_repeated_as_far_as_it_went() -> None:
    values = made(stop=4)
    assert (values["generations"], values["config"]["generations"]) == (3, 6)
    assert read(values).same
    assert read(values).generations == 3


def test_it_tells_what_it_holds() -> None:
    values = made()
    assert (values["format"], values["program"], values["generations"]) == (1, __version__, 7)
    assert values["best"]["feasible"] and len(values["trajectory"]) == 64
    assert Replica.model_validate(values).config.seed == 4


@pytest.mark.parametrize("changes", [{"seed": 5}, {"population": 9}, {"crossover_rate": 0.61}, {"budget_mb": 3.1}])
def test_other_settings_go_another_way(changes: dict[str, Any]) -> None:
    values = made()
    done = read({**values, "config": {**values["config"], **changes}})
    assert not done.same and done.trajectory != values["trajectory"]


def test_the_fingerprint_is_the_same_everywhere() -> None:
    """Of the way, not of the floats: a mean may differ in its last digit from one Python version to the next."""
    config = SearchSettings(budget_mb=3.0, population=10, generations=6, seed=4)
    generations = list(evolve(config))
    changed = [one.model_copy(update={"mean_fitness": 0.5}) for one in generations]
    assert trajectory(generations) == trajectory(changed)
    swapped = [one.model_copy(update={"individuals": one.individuals[::-1]}) for one in generations]
    assert trajectory(generations) != trajectory(swapped)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, "the JSON of a search cannot be read from None"),
        ([], "the JSON of a search cannot be read"),
        ({"budget_mb": 3}, "the JSON of a search needs config"),
        ({"format": 2}, "format must be 1, not 2"),
        ({"config": {"budget_mb": "3"}}, "budget_mb must be a number above 0"),
        ({"config": {"budget_mb": 3, "space": 5}}, "there is no search space 5"),
        ({"config": {"budget_mb": 3, "colour": "red"}}, "colour"),
    ],
)
def test_what_is_no_replica_is_said(values: Any, words: str) -> None:
    given = {**made(stop=3), **values} if isinstance(values, dict) and "budget_mb" not in values else values
    with pytest.raises(CompressorError, match=words):
        read(given)


def test_without_a_generation_there_is_nothing_to_repeat() -> None:
    with pytest.raises(CompressorError, match="no generation yet"):
        made(stop=1)


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        (Operators.STUDIO, "bf0f1a553a07e07c9b859aabd7d0ab2c21ac7bb8937a740816ae9a155900b2a9"),
        (Operators.PAPER, "7fc20c9dfc133000d7e78f4e6669110c4e5e193b71a4ff356ac583b2a1506aed"),
    ],
)
def test_every_version_of_python_goes_the_same_way(operators: Operators, expected: str) -> None:
    """The expected fingerprint is written down because it must hold on all of them; new operators change it."""
    assert made(operators=operators)["trajectory"] == expected
