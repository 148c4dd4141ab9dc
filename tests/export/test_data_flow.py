"""A model that reads data flow, exported: the same answers, and what its bundle needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.evaluate.cold_start import cold_start
from compressor_core.export.data_flow import reader
from compressor_core.export.exporting import export
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.export.settings import ExportSettings
from compressor_core.language import Language
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.records import ExportSummary
from compressor_core.task import PairFeatures, Task

LONG = "int f(int *p) {\n" + "".join(f"    int v{i} = p[{i}] + v{i // 2};\n" for i in range(60)) + "    return v59;\n}"
CODES = ["int g(int a, int b) { int c = a; while (c < b) c += a; return c; }", "return;", LONG]


def classifier(task: Task, features: PairFeatures = PairFeatures.COMPARE) -> Classifier:
    torch.manual_seed(0)
    architecture = Architecture(400, 16, 2, 2, 32)
    model = build(architecture, task, features).eval()
    for parameter in (one for one in model.parameters() if one.dim() > 1):
        torch.nn.init.normal_(parameter, std=0.3)  # so that every part of the input makes a difference
    card = ModelCard(
        task=task,
        labels=("0", "1"),
        max_length=128,
        architecture=architecture,
        pair_features=features if task is Task.CLONE else None,
        data_flow=Language.C,
    )
    return Classifier(model, train_tokenizer(CODES * 20, 400), card)


@pytest.mark.parametrize(
    ("task", "features"), [(Task.VULNERABILITY, PairFeatures.COMPARE), *((Task.CLONE, one) for one in PairFeatures)]
)
def test_the_file_answers_as_the_model_does(task: Task, features: PairFeatures, tmp_path: Path) -> None:
    made = classifier(task, features)
    made.save(tmp_path / "model")
    export_onnx(made.model, tmp_path / "x.onnx", data_flow=True)
    session = open_onnx(tmp_path / "x.onnx")
    examples = [(code,) if task is Task.VULNERABILITY else (code, CODES[0]) for code in CODES]
    encoded = made.encode(examples)
    assert [len(function.graph.spans) for (function, *_) in encoded if function.graph] == [9, 0, 129]
    answers = np.concatenate([run_onnx(session, one, made.pad_id) for one in encoded])
    np.testing.assert_allclose(answers, made.logits(examples).numpy(), atol=1e-4, rtol=0)
    assert np.ptp(answers, axis=0).min() > 1e-2
    names = [given.name for given in session.get_inputs()]
    read = reader(tmp_path / "model")
    for codes, answer in zip(examples, answers, strict=True):
        assert np.array_equal(session.run(None, dict(zip(names, read(codes), strict=True)))[0][0], answer)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ExportSummary:
    folder = tmp_path_factory.mktemp("flow")
    classifier(Task.VULNERABILITY).save(folder / "model")
    rows = [json.dumps({"func": code, "label": number % 2}) for number, code in enumerate(CODES)]
    (folder / "rows.jsonl").write_text("\n".join(rows), "utf-8")
    settings = ExportSettings(model=folder / "model", dataset="file", data=folder / "rows.jsonl", split="all")
    made = finish(export(settings, folder / "out"))
    assert made is not None
    return made


def predict(bundle: ExportSummary, code: Path, path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(Path(bundle.files[0]) / "predict.py"), str(code)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=False)


def test_a_bundle_says_what_it_needs(bundle: ExportSummary, tmp_path: Path) -> None:
    assert bundle.max_abs_difference < 1e-4 and bundle.page and "reads data flow" in bundle.page
    folder = Path(bundle.files[0])
    card = (folder / "README.md").read_text("utf-8")
    assert "Compressor Studio, which extracts the data flow of C" in card and "`shares`" in card
    (tmp_path / "code.c").write_text(CODES[0], "utf-8")
    done = predict(bundle, tmp_path / "code.c", str(Path(__file__).parents[2]))
    shares = torch.softmax(load(folder).logits([CODES[0]])[0], -1).tolist()
    assert done.returncode == 0, done.stderr
    assert f"0={shares[0]:.4f} 1={shares[1]:.4f}" in done.stdout and "note:" not in done.stderr
    long = f"int f(int x) {{ {'x = x + 1; ' * 400} return x; }}"
    (tmp_path / "code.c").write_text(long, "utf-8")
    done = predict(bundle, tmp_path / "code.c", str(Path(__file__).parents[2]))
    model = load(folder)
    count, read = model.tokens(long), len(model.encode([long])[0][0].ids)
    assert f"note: file 1 has {count:,} tokens; the model reads the first {read:,}.\n" in done.stderr
    (tmp_path / "compressor_core.py").write_text("raise ImportError('not here')", "utf-8")
    done = predict(bundle, tmp_path / "code.c", str(tmp_path))
    assert done.returncode == 2 and "which Compressor Studio extracts (not here): install it" in done.stderr


def test_a_fresh_process_reads_it(bundle: ExportSummary) -> None:
    folder = Path(bundle.files[0])
    found = cold_start(folder / "model.onnx", [CODES[0]], max_length=128, tokenizer=folder)
    assert found.label == int(load(folder).logits([CODES[0]]).argmax())
