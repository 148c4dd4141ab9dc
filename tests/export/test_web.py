"""What a page holds, and of which models none is made; that it runs is shown in tests/browser/test_web_page.py."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError, StorageError
from compressor_core.export import web
from compressor_core.export.onnx import export_onnx
from compressor_core.export.web import web_page
from compressor_core.export.web_runtime import WebRuntime
from compressor_core.language import Language
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier
from compressor_core.models.student import build
from compressor_core.task import PairFeatures, Task

CODES = ["def f(x): return x", "def g(y):\n    while y:\n        y -= 1\n    return y"]
RUNTIME = WebRuntime(
    b"let a={},b={},c={};f(import.meta.url);export{a as InferenceSession,b as Tensor,c as env,a as default};\n"
    b"//# sourceMappingURL=x.map\n",
    b"\0asm" * 9,
)


class Parts(HTMLParser):
    """The text of each script and style, by its id or else in order; and the page's policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.policy = ""
        self._name = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        assert "src" not in given and "onclick" not in given and "style" not in given
        if tag in ("script", "style"):
            self._name = given.get("id") or f"{tag} {len(self.found)}"
            self.found[self._name] = ""

    def handle_endtag(self, tag: str) -> None:
        self._name = ""

    def handle_data(self, data: str) -> None:
        if self._name:
            self.found[self._name] += data


def student(task: Task = Task.VULNERABILITY) -> Classifier:
    torch.manual_seed(0)
    architecture = Architecture(300, 16, 1, 2, 16)
    card = ModelCard(
        task=task,
        labels=("</script>", "b & c"),
        max_length=64,
        architecture=architecture,
        pair_features=PairFeatures.COMPARE if task is Task.CLONE else None,
    )
    return Classifier(build(architecture, task).eval(), train_tokenizer(CODES, 300), card)


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "web_runtime", lambda: RUNTIME)


@pytest.mark.parametrize("task", list(Task))
def test_everything_is_in_the_page_and_the_policy_names_each_script(task: Task, tmp_path: Path) -> None:
    model = student(task)
    export_onnx(model.model, tmp_path / "model.onnx")
    web_page(model, tmp_path / "model.onnx", tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text("utf-8")
    parts = Parts(text)
    settings, table, packed, wasm = (parts.found.pop(name) for name in ("settings", "tokenizer", "model", "wasm"))
    assert json.loads(settings)["labels"] == ["</script>", "b & c"]
    assert len(json.loads(settings)["boxes"]) == (2 if task is Task.CLONE else 1)
    assert json.loads(table)["maxLength"] == 64
    assert gzip.decompress(base64.b64decode(packed)) == (tmp_path / "model.onnx").read_bytes()
    assert gzip.decompress(base64.b64decode(wasm)) == RUNTIME.wasm
    assert len(parts.found) == 4
    for inline in parts.found.values():
        assert base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode() in parts.policy
    assert parts.policy.startswith("default-src 'none'; ") and "unsafe-inline" not in parts.policy
    assert "'unsafe-eval'" not in parts.policy and "data:" not in parts.policy and "blob:" not in parts.policy
    library = next(inline for inline in parts.found.values() if "let a={}" in inline)
    assert "globalThis.ort={InferenceSession:a,Tensor:b,env:c};" in library
    assert "import.meta" not in library and "sourceMappingURL" not in library
    assert "Permission is hereby granted" in text and "Microsoft Corporation" in text


def test_no_page_of_a_model_that_reads_data_flow(tmp_path: Path) -> None:
    model = student()
    export_onnx(model.model, tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="data flow, which the page cannot extract"):
        web_page(replace(model, card=model.card.replace(data_flow=Language.C)), tmp_path / "model.onnx", tmp_path / "x")


def test_the_file_must_be_an_export_for_the_task(tmp_path: Path) -> None:
    export_onnx(student(Task.CLONE).model, tmp_path / "pair.onnx")
    with pytest.raises(ModelError, match=r"pair\.onnx reads input_ids_1, .* for vulnerability reads; export"):
        web_page(student(), tmp_path / "pair.onnx", tmp_path / "index.html")
    assert not (tmp_path / "index.html").exists()


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    model = student()
    export_onnx(model.model, tmp_path / "model.onnx")
    with pytest.raises(StorageError, match="no folder"):
        web_page(model, tmp_path / "model.onnx", tmp_path / "no folder" / "index.html")
