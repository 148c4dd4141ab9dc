"""Every verb of the command line with arbitrary arguments: exit codes 0, 1 and 2, one sentence, no traceback."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compressor_core.cli.main import main
from compressor_core.cli.parser import parser
from tests.fuzz.test_architectures import LATENCY, REPLICA, SPACE
from tests.fuzz.test_data import RIGHT, jsonl
from tests.fuzz.values import edited

Draw = Callable[[st.SearchStrategy[Any]], Any]
WHOLE = ("0", "1", "2", "3", "-1", "", "x", "1.5", "99999999999999999999", "1e3", "٣", "--", "9" * 5000)
NUMBERS = (*WHOLE, "0.5", "nan", "inf", "-inf", "1e-320", "1e400")
WORK = {"train-teacher", "distill", "label", "study", "calibrate", "measure", "probe", "compare", "evaluate", "export"}
"""Verbs that would train or measure for minutes: they are given something that is not there."""
HEAVY = (
    *("torch.onnx", "onnxruntime", "transformers.models.auto.modeling_auto", "transformers.models.roberta"),
    *("compressor_core.export.exporting", "compressor_core.models.released", "compressor_core.evaluate.comparison"),
)
"""What the verbs import when they need it."""
SMALL = {
    "search": (("--generations", "3"), ("--generations", "2", "--population", "4", "--space", "{}/space.json")),
    "sweep": (("--over", "seed", "--seeds", "1", "--generations", "2", "--space", "classroom"), ("--seeds", "-1")),
    "tradeoff": (("--population", "4", "--generations", "2", "--space", "{}/space.json"), ("--space", "{}/none")),
}
"""What makes the work of a search a matter of a second; of what is given twice, the last counts."""
FEW = {
    "--population": ("4", "x", "0", "-2"),
    "--generations": ("1", "2", "x", "0", "1.5"),
    "--budgets": ("2", "3", "x", "-1"),
    "--seeds": ("1", "2", "-1", "x"),
}


def verbs(
    whole: argparse.ArgumentParser, before: tuple[str, ...] = ()
) -> dict[tuple[str, ...], argparse.ArgumentParser]:
    """Every verb of the program, `runs list` being two words, with its parser."""
    below = [action for action in whole._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        return {before: whole}
    return {
        words: verb for name, child in below[0].choices.items() for words, verb in verbs(child, (*before, name)).items()
    }


VERBS = {words: verb for words, verb in verbs(parser()).items() if words != ("app",)}
"""All but `app`, which becomes the server that it starts."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that options may name: right ones, wrong ones and folders."""
    for name in HEAVY:  # seconds on a slow machine, which are no example's
        importlib.import_module(name)
    folder = tmp_path_factory.mktemp("files")
    (folder / "functions.jsonl").write_bytes(jsonl(RIGHT))
    (folder / "space.json").write_text(json.dumps(SPACE))
    (folder / "search.json").write_text(json.dumps(REPLICA))
    (folder / "calibration.json").write_text(json.dumps({"models": {"onnxruntime": LATENCY}}))
    (folder / "deep.json").write_bytes(b"[" * 200_000)
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "empty").mkdir()
    (folder / "model").mkdir()
    for name in ("config.json", "tokenizer.json", "compressor.json", "model.safetensors"):
        (folder / "model" / name).write_text("{}")
    return folder


PATHS = (
    "functions.jsonl",
    "space.json",
    "search.json",
    "calibration.json",
    "deep.json",
    "binary",
    "empty",
    "model",
    "none",
    "x" * 300,
)


@st.composite
def arguments(draw: Draw, words: tuple[str, ...]) -> list[str]:
    """A verb's arguments: what it must have, mostly, and some of the rest, with right and wrong values; `{}/` stands
    for the folder of files."""
    found = list(words)
    paths = st.sampled_from(PATHS).map("{{}}/{}".format) | st.sampled_from(("", "\udcff", ".", "/dev/null", "-"))
    for action in VERBS[words]._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        if not draw(st.integers(0, 9)) < (9 if action.required else 3):
            continue
        option = draw(st.sampled_from(action.option_strings)) if action.option_strings else None
        found += [option] if option else []
        if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
            continue
        if option == "--out":
            found.append(
                draw(st.sampled_from(("{}/made", "{}/functions.jsonl", "{}/empty", "{}/none/none", "{}/" + "y" * 300)))
            )
            continue
        count = draw(st.integers(0, 3)) if action.nargs == "+" else 1
        for _ in range(count):
            found.append(draw(values(action, option, paths)))
    if draw(st.integers(0, 9)) == 0:
        found.insert(
            draw(st.integers(0, len(found))), draw(st.text(max_size=5) | st.sampled_from(("--json", "--nothing", "-h")))
        )
    return found


def values(action: argparse.Action, option: str | None, paths: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    if option in FEW:
        return st.sampled_from(FEW[option])
    if action.choices:
        return st.sampled_from([*map(str, action.choices), "x"])
    if action.type in (int, float):
        return st.sampled_from(WHOLE if action.type is int else NUMBERS)
    if option in ("--dataset",):
        return st.sampled_from(("file", "devign", "bigclonebench", "x"))
    if option in ("--architecture",):
        return st.sampled_from(("1000,96,12,8,64", "1,2,3", "400,16,1,2,16"))
    if option in ("--columns",):
        return st.sampled_from(("func=func,label=label", "x", "func=y", "label="))
    if option in ("--objectives",):
        return st.sampled_from(("size,gflops", "size", "latency,size", "accuracy,size", ",", "x,size"))
    if option in ("--space",):
        return st.sampled_from(("{}/space.json", "{}/deep.json", "{}/search.json", "{}/none"))
    if option in ("--base", "--teacher", "--cluster"):
        return paths.filter(bool)
    return paths


def ran(words: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return code, out.getvalue(), err.getvalue()


def json_of(out: str) -> dict[str, Any]:
    try:
        return dict(json.loads(out))
    except ValueError:
        return {}


def check(words: list[str]) -> None:
    """Run the program and hold it to its contract; an exception that nobody foresaw comes through."""
    code, out, err = ran(words)
    assert code in (0, 1, 2), code
    assert "Traceback" not in err
    if code == 1 and json_of(out).get("ok") is False:
        return  # what `doctor` says of this machine
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == (code != 0), err
    if code:
        assert err.splitlines()[-1] == errors[0] and len(errors[0]) > 15 and not out, (out, err)
        assert "set COMPRESSOR_DEBUG" not in errors[0]
    elif "--json" in words and "-h" not in words and "--help" not in words:
        assert out.count("\n") == 1 and isinstance(json.loads(out), dict)


@pytest.fixture(autouse=True)
def _unforeseen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMPRESSOR_DEBUG", "1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("verb", sorted(" ".join(words) for words in VERBS))
@given(data=st.data())
def test_verb(verb: str, files: Path, data: st.DataObject) -> None:
    words = [word.replace("{}", str(files)) for word in data.draw(arguments(tuple(verb.split())))]
    if verb in SMALL and "--config" not in words:
        words += [word.replace("{}", str(files)) for word in data.draw(st.sampled_from(SMALL[verb]))]
    if verb in WORK and "--data" not in words:
        words += (
            ["--dataset", "file", "--data", str(files / "none")]
            if verb not in ("calibrate", "label")
            else ["--seed", "x"]
        )
    check(words)


@given(st.lists(st.text(max_size=8) | st.sampled_from(("--json", "-h", "--", "cost", "runs", "--seed=x")), max_size=5))
@example([])
@example(["runs"])
@example(["\udcff"])
def test_any_words(words: list[str]) -> None:
    check(words)


@given(edited(SPACE) | edited(REPLICA), st.sampled_from(("--space", "--config", "--calibration")))
def test_files_of_a_search(files: Path, content: Any, option: str) -> None:
    file = files / "fuzzed.json"
    file.write_text(json.dumps(content))
    check(["search", option, str(file), "--generations", "2", "--population", "4", "--json"])


COST = ("--vocab-size", "--hidden-size", "--num-layers", "--num-heads", "--intermediate-size")


@given(st.tuples(*[st.integers(-5, 70_000)] * 5), st.integers(-5, 700))
def test_cost(genes: tuple[int, ...], length: int) -> None:
    words = ["cost", *(word for pair in zip(COST, map(str, genes), strict=True) for word in pair)]
    check([*words, "--sequence-length", str(length), "--json"])


def test_every_verb_is_a_target() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text("utf-8")
    assert {words[0] for words in VERBS} >= {"cost", "search", "predict", "runs"} and len(VERBS) >= 18
    assert all(re.search(rf"compressor_core {words[0]}\b", guide) for words in VERBS)
