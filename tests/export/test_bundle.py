"""A bundle of a real model of each task works where nothing of this program is, and says what was measured."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compressor_core.bundled import bundled_teacher
from compressor_core.data.dataset import Split
from compressor_core.data.registry import open_dataset
from compressor_core.evaluate.prediction import predict_once
from compressor_core.export.bundle import write_zip
from compressor_core.export.exporting import export
from compressor_core.export.onnx import open_onnx
from compressor_core.export.settings import ExportSettings
from compressor_core.models.classifier import load
from compressor_core.progress import finish
from compressor_core.task import Task

FILES = {
    *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "compressor.json"),
    *("model.onnx", "model.int8.onnx", "README.md", "predict.py", "SHA256SUMS"),
}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 498627950\n"
POINTED = "is a Git LFS pointer, not the file itself: run `git lfs pull` where it was cloned"
NEEDS = ("numpy", "onnxruntime", "tokenizers")
Bundles = dict[Task, tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """Of the bundled teachers, which are small and trained; tried on 100 examples of the classroom's test split."""
    made = {}
    for task in Task:
        out = tmp_path_factory.mktemp("bundles") / f"the {task} model"
        summary = finish(export(ExportSettings(model=str(bundled_teacher(f"classroom-{task}")), examples=100), out))
        assert summary is not None
        made[task] = out, summary.plain()
    return made


@pytest.fixture(params=list(Task))
def bundle(request: pytest.FixtureRequest, bundles: Bundles) -> tuple[Path, dict[str, Any]]:
    return bundles[request.param]


@functools.cache
def examples(task: Task) -> list[tuple[str, ...]]:
    return [example.codes for example in open_dataset(f"classroom-{task}").examples(Split.TEST)[:8]]


def test_it_answers_as_pytorch_does_on_a_hundred_real_inputs(bundle: tuple[Path, dict[str, Any]]) -> None:
    folder, result = bundle
    float32, int8 = result["forms"]["model.onnx"], result["forms"]["model.int8.onnx"]
    assert float32["inputs"] == 100 and result["max_abs_difference"] == float32["max_abs_difference"] < 1e-4
    model = load(folder)
    chosen = random.Random(0).sample(list(open_dataset(f"classroom-{model.card.task}").examples(Split.TEST)), 100)
    right = model.logits([one.codes for one in chosen]).argmax(-1) == torch.tensor([one.label for one in chosen])
    assert float32["accuracy"] == float(right.double().mean()) and int8["accuracy"] > float32["accuracy"] - 0.03
    assert int8["size_mb"] < 0.31 * float32["size_mb"]


def test_a_padded_batch_of_real_inputs(bundle: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = bundle
    model, session = load(folder), open_onnx(folder / "model.onnx")
    codes = examples(model.card.task)
    arrays = []
    for functions in zip(*model.encode(codes), strict=True):  # the first of every example, then the second
        longest = max(map(len, functions))
        ids = np.array([one.ids + [model.pad_id] * (longest - len(one)) for one in functions], np.int64)
        arrays += [ids, (ids != model.pad_id).astype(np.int64)]
    assert len({len(one.ids) for example in model.encode(codes) for one in example}) > 1  # some are padded
    names = [given.name for given in session.get_inputs()]
    logits = session.run(["logits"], dict(zip(names, arrays, strict=True)))[0]
    assert np.abs(logits - model.logits(codes).numpy()).max() < 1e-4


def test_what_is_in_it(bundle: tuple[Path, dict[str, Any]]) -> None:
    folder, result = bundle
    page = set() if result.get("page") else {"index.html"}
    head = {"modeling_pair.py"} if load(folder).card.task is Task.CLONE else set()
    assert {file.name for file in folder.iterdir()} == FILES | page | head
    assert result["files"] == [str(folder), f"{folder}.zip"]
    assert result["size_mb"] == pytest.approx(sum(file.stat().st_size for file in folder.iterdir()) / 1e6)
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o644"}
    lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    files = sorted(file for file in folder.iterdir() if file.name != "SHA256SUMS")
    assert lines == [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in files]
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)
    with zipfile.ZipFile(f"{folder}.zip") as archive:
        assert archive.testzip() is None
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert inside == {f"{folder.name}/{file.name}": file.read_bytes() for file in folder.iterdir()}
    assert list(inside) == sorted(inside)


def test_equal_files_make_an_equal_zip(bundle: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = bundle
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    os.utime(copy / "README.md", (1e9, 1e9))
    write_zip(copy, tmp_path / "again.zip", folder.name)
    assert (tmp_path / "again.zip").read_bytes() == Path(f"{folder}.zip").read_bytes()


def test_the_card_says_what_was_measured(bundle: tuple[Path, dict[str, Any]]) -> None:
    folder, result = bundle
    text = (folder / "README.md").read_text("utf-8")
    for name, form in result["forms"].items():
        (row,) = re.findall(rf"^\| `{re.escape(name)}` \| .*MB.*", text, re.MULTILINE)
        for figure in (
            f"{form['size_mb']:.2f} MB",
            f"{form['accuracy']:.2%} ({form['correct']} of 100)",
            f"{form['max_abs_difference']:.2g}",
            f"{form['latency']['median']:.2f} ms",
        ):
            assert figure in row
    card = load(folder).card
    for said in (
        f"the test split of Classroom: {'vulnerable' if card.task is Task.VULNERABILITY else 'cloned'} Python",
        f"{result['weights_mb']:.2f} MB",
        f"first {card.max_length} tokens",
        str(card.dataset_fingerprint),
        f"seed: {card.seed}",
        f"torch {card.versions['torch']}",
        "trained on Python alone",
    ):
        assert said in text
    assert "None" not in text and "/work" not in text and str(folder.parent) not in text
    for name in re.findall(r"^\| (`[^|]*`)", text.split("## Measured")[0], re.MULTILINE):
        assert all((folder / file).is_file() for file in re.findall(r"`([^`]+)`", name))


def test_the_program_is_short_and_needs_three_packages(bundle: tuple[Path, dict[str, Any]]) -> None:
    text = (bundle[0] / "predict.py").read_text("utf-8")
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    # Models that read data flow need this program, which is imported for them alone.
    only_there = {"compressor_core.export.data_flow"}
    assert {name for name in found if name not in sys.stdlib_module_names} == set(NEEDS) | only_there
    assert not [line for line in text.splitlines() if line.startswith(("import compressor", "from compressor"))]
    assert len([line for line in text.splitlines() if line.strip()]) <= 101


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"cannot be read \(No such file or directory\): check the path"),
        (b"", "is empty: give a function"),
        (b" \n\t", "is empty: give a function"),
        (b"\x7fELF\0\0", "is binary data or UTF-16, not UTF-8 text: give source code, saved as UTF-8"),
        ("int f() {}".encode("utf-16"), "is binary data or UTF-16, not UTF-8 text: give source code, saved as UTF-8"),
        *((start + POINTER, POINTED) for start in (b"", b"\xef\xbb\xbf", b"\n")),
        ("// é".encode("latin-1"), r"is not UTF-8 text \(byte 4\): save it as UTF-8"),
    ],
)
def test_the_program_refuses_what_is_no_code(
    bundle: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    says: str,
) -> None:
    main = runpy.run_path(str(bundle[0] / "predict.py"))["main"]
    if content is not None:
        (tmp_path / "code").write_bytes(content)
    assert main([str(tmp_path / "code")] * 2) == 2
    assert re.fullmatch(f"error: {re.escape(str(tmp_path / 'code'))} {says}\n", capsys.readouterr().err)


def test_the_program_says_what_it_did_not_read(
    bundle: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load(bundle[0])
    main = runpy.run_path(str(bundle[0] / "predict.py"))["main"]
    short, long = "def f(x): return x", "def f(x):\n" + "    x = x + 1\n" * 600
    for code, name in ((short, "short"), (long, "long")):
        (tmp_path / name).write_text(code, "utf-8")
    files = ["short", "long"] if model.card.task is Task.CLONE else ["long"]
    assert main([str(tmp_path / name) for name in files]) == 0
    count, read = model.tokens(long), model.card.max_length
    note = f"note: file {len(files)} has {count:,} tokens; the model reads the first {read:,}.\n"
    assert capsys.readouterr().err == note
    assert main([str(tmp_path / "short")] * len(files)) == 0 and capsys.readouterr().err == ""


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_program_says_how_it_is_called(
    bundle: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert runpy.run_path(str(bundle[0] / "predict.py"))["main"]([option]) == 0
    said = capsys.readouterr()
    assert "python predict.py [--int8] FILE [FILE]" in said.out and said.err == ""


@pytest.mark.parametrize("missing", NEEDS)
def test_the_program_names_a_package_that_is_missing(
    bundle: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: str,
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    main = runpy.run_path(str(bundle[0] / "predict.py"))["main"]
    (tmp_path / "code").write_text("def f(x): return x", "utf-8")
    assert main([str(tmp_path / "code")] * 2) == 2
    says = rf"error: .*\b{missing}\b.*: run pip install {' '.join(NEEDS)}\n"
    assert re.fullmatch(says, capsys.readouterr().err)


def test_the_program_names_checksums_that_are_no_text(
    bundle: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(bundle[0], tmp_path / "bundle")
    (folder / "SHA256SUMS").write_bytes(b"\xff\xfe" + (folder / "SHA256SUMS").read_bytes())
    (tmp_path / "code").write_text("def f(x): return x", "utf-8")
    assert runpy.run_path(str(folder / "predict.py"))["main"]([str(tmp_path / "code")]) == 2
    assert capsys.readouterr().err == "error: SHA256SUMS is not text: copy the whole folder again\n"


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "compressor.json", "SHA256SUMS"])
def test_the_program_loads_nothing_that_is_damaged(
    bundle: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = shutil.copytree(bundle[0], tmp_path / "bundle")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + b"!" if name != "SHA256SUMS" else b"")
    (tmp_path / "code").write_text("def f(x): return x", "utf-8")
    main = runpy.run_path(str(folder / "predict.py"))["main"]
    files = [str(tmp_path / "code")]
    assert main(files) == 2
    assert "is not as it was written (see SHA256SUMS): copy the whole folder again" in capsys.readouterr().err
    (folder / name).unlink()
    assert main(files) == 2 and f"{name} cannot be read" in capsys.readouterr().err


@pytest.fixture(scope="module")
def empty_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment with the three packages and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    packages = [f"{name}=={version(name)}" for name in NEEDS]
    install = [str(python), "-m", "pip", "install", "-q", "--retries", "1", "--timeout", "20", *packages]
    done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"pip cannot install {', '.join(packages)} here: {done.stderr.strip().splitlines()[-1]}")
    return python


def alone(python: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it with nothing of this program, nor of this environment, in reach."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COMPRESSOR"))}
    command = [str(python), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, check=False, timeout=300)


def test_it_works_in_an_empty_environment(
    bundle: tuple[Path, dict[str, Any]], empty_python: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(f"{bundle[0]}.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / bundle[0].name
    for module in ("torch", "transformers", "compressor_core"):
        assert alone(empty_python, "-c", f"import {module}", cwd=tmp_path).returncode == 1
    model = load(folder)
    for number, codes in enumerate(examples(model.card.task)[:2]):
        files = [tmp_path / f"{place}.py" for place in range(len(codes))]
        for file, code in zip(files, codes, strict=True):
            file.write_text(code, "utf-8")
        expected = predict_once(model, codes)
        for option, tolerance in (((), 1e-3), (("--int8",), 0.2))[: 2 if number == 0 else 1]:
            done = alone(empty_python, folder / "predict.py", *option, *files, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            label, *shares = done.stdout.split()
            found = {name: float(share) for name, share in (pair.split("=") for pair in shares)}
            assert found == pytest.approx(expected.probabilities, abs=tolerance)
            assert option or label == expected.label
    wrong = alone(empty_python, folder / "predict.py", cwd=tmp_path)
    assert (
        wrong.returncode == 2 and wrong.stderr.startswith("error: this model takes") and "Traceback" not in wrong.stderr
    )


def test_a_single_input_model_needs_transformers_alone(bundles: Bundles, tmp_path: Path) -> None:
    folder, _ = bundles[Task.VULNERABILITY]
    codes = [code for (code,) in examples(Task.VULNERABILITY)]
    model = load(folder)
    (tmp_path / "codes.json").write_text(json.dumps(codes), "utf-8")
    program = f"""
import importlib.util, json, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
assert importlib.util.find_spec("compressor_core") is None
folder = {str(folder)!r}
model, found = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
assert not found["missing_keys"] and not found["unexpected_keys"], found
tokenizer = AutoTokenizer.from_pretrained(folder)
for code in json.load(open("codes.json")):
    ids = tokenizer(code, truncation=True, max_length={model.card.max_length}, return_tensors="pt")
    with torch.inference_mode():
        logits = model(ids["input_ids"], ids["attention_mask"]).logits[0]
    print(model.config.id2label[int(logits.argmax())], *logits.tolist())
"""
    done = alone(Path(sys.executable), "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    logits = model.logits([(code,) for code in codes]).numpy()
    assert np.abs(np.array([line[1:] for line in lines], float) - logits).max() < 1e-5
    assert [line[0] for line in lines] == [model.card.labels[place] for place in logits.argmax(-1)]
