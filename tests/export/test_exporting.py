"""An export is whole, tried and honest, or it is refused in one sentence and leaves nothing behind."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor_core.cli.main import main
from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.data.registry import open_dataset
from compressor_core.errors import CompressorError, DataError, ModelError, SettingsError, StorageError
from compressor_core.export import exporting
from compressor_core.export.exporting import export
from compressor_core.export.onnx import export_onnx
from compressor_core.export.settings import ExportSettings, Format, targets
from compressor_core.export.verification import Material, loss_points, warning
from compressor_core.models.card import CARD
from compressor_core.models.classifier import load
from compressor_core.models.released import import_released
from compressor_core.paper import Encoder
from compressor_core.progress import finish
from compressor_core.records import ExportedForm, FileLatency, Notice, Record
from compressor_core.task import Task
from tests import released

NO_PAGE = "No page for the browser can be made: there is no network"


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that cannot get what a page needs; the real page is in the tests of bundles."""

    def none(*_: object) -> None:
        raise ModelError(NO_PAGE)

    monkeypatch.setattr(exporting, "web_page", none)


@pytest.fixture
def labelled(tiny_teacher: Path, labelled_file: Path) -> ExportSettings:
    return ExportSettings(model=str(tiny_teacher), dataset="file", data=str(labelled_file), split="test")


def result_of(settings: ExportSettings, out: Path, **changed: Any) -> dict[str, Any]:
    records: list[Record] = []
    summary = finish(export(settings.replace(**changed), out), records.append)
    assert summary is not None
    said = [record.message for record in records if isinstance(record, Notice)]
    # What has to be said is said where nobody can miss it, and nothing is said for nothing.
    assert said == [sentence for sentence in (summary.warning, summary.page) if sentence]
    return summary.plain()


@pytest.mark.parametrize("form", [Format.ONNX, Format.INT8])
def test_one_file(form: Format, labelled: ExportSettings, tmp_path: Path) -> None:
    out = tmp_path / "a" / "student.onnx"
    found = result_of(labelled, out, format=form.value)
    assert found["files"] == [str(out)] and [file.name for file in out.parent.iterdir()] == ["student.onnx"]
    assert found["size_mb"] == out.stat().st_size / 1e6
    assert found["forms"]["model.onnx"]["max_abs_difference"] < 1e-4
    if form is Format.ONNX:
        assert found["max_abs_difference"] < 1e-4 and "loss_points" not in found
    else:
        float32, int8 = found["forms"].values()
        assert found["max_abs_difference"] == int8["max_abs_difference"] > 1e-4
        assert found["size_mb"] == int8["size_mb"] < float32["size_mb"]
        assert found["loss_points"] == pytest.approx(100 * (float32["accuracy"] - int8["accuracy"]))
        # The float32 file is as accurate as the model itself.
        assert float32["examples"] == found["examples"] > 20
        examples = open_dataset("file", labelled.data).examples(Split.TEST)
        guesses = load(labelled.model).logits([example.codes for example in examples]).argmax(-1)
        correct = sum(int(guess) == example.label for guess, example in zip(guesses, examples, strict=True))
        assert (float32["correct"], float32["examples"]) == (correct, len(examples))


def test_where_it_is_written() -> None:
    out = Path("/there/student")
    assert targets(out, Format.BUNDLE) == (out, Path("/there/student.zip"))
    assert targets(Path("/there/student.zip"), Format.BUNDLE) == targets(out, Format.BUNDLE)
    assert targets(Path("/there/v1.2"), Format.BUNDLE) == (Path("/there/v1.2"), Path("/there/v1.2.zip"))
    assert targets(out, Format.ONNX) == (out / "model.onnx",)
    assert targets(out, Format.INT8) == (out / "model.int8.onnx",)
    assert targets(Path("/there/x.onnx"), Format.INT8) == (Path("/there/x.onnx"),)


def test_a_worse_int8_file_is_flagged(
    labelled: ExportSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opposite(float32: Path, path: Path) -> None:
        model: Any = load(labelled.model).model
        with torch.no_grad():
            for parameter in model.classifier.out_proj.parameters():
                parameter.neg_()
        export_onnx(model, path)

    monkeypatch.setattr(exporting, "export_int8", opposite)
    found = result_of(labelled, tmp_path / "out")
    loss = 100 * (2 * found["forms"]["model.onnx"]["accuracy"] - 1)
    assert found["loss_points"] == pytest.approx(loss) and abs(loss) > 0.5
    assert found["flagged"] is (loss > 0.5)
    if loss > 0.5:
        assert f"loses {loss:.2f} points" in found["warning"]
        assert found["warning"] in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_what_is_said_of_an_int8_file() -> None:
    given = Material([], "devign", "test")

    def form(correct: int | None) -> ExportedForm:
        latency = FileLatency(median=1.0, p90=1.0, rounds=3)
        return ExportedForm(
            size_mb=1.0, inputs=1, max_abs_difference=0.0, examples=1000, correct=correct, latency=latency
        )

    float32 = form(900)
    for correct, loss, flagged in ((900, 0, False), (895, 0.5, False), (894, 0.6, True), (910, -1, False)):
        found = loss_points(float32, form(correct))
        assert found == pytest.approx(loss)
        assert (warning(given, found) is not None) is flagged
    assert loss_points(form(None), form(None)) is None


def test_a_file_that_answers_otherwise_is_refused(
    labelled: ExportSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(model: Any, path: Path, **more: Any) -> None:
        with torch.no_grad():
            model.classifier.out_proj.bias.add_(0.01)
        export_onnx(model, path, **more)
        with torch.no_grad():
            model.classifier.out_proj.bias.sub_(0.01)

    monkeypatch.setattr(exporting, "export_onnx", shifted)
    refused(labelled, tmp_path / "out", ModelError, r"differs from PyTorch by 0\.01")


def test_accuracy_that_was_not_measured_is_said_not_to_be(tmp_path: Path) -> None:
    checkpoint, vocabulary = released.write(tmp_path)
    import_released(checkpoint, vocabulary, Encoder.CODEBERT, Task.VULNERABILITY, tmp_path / "model", heads=4)
    found = result_of(ExportSettings(model=str(tmp_path / "model")), tmp_path / "out")
    assert found["page"] == NO_PAGE and not (tmp_path / "out" / "index.html").exists()
    assert not found["labelled"] and found["flagged"] and "accuracy" not in found["forms"]["model.int8.onnx"]
    assert "was not measured" in found["warning"]
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert found["warning"] in card and "not measured" in card.split("## Measured")[1]
    assert NO_PAGE in card and "| `index.html`" not in card


def refused(config: ExportSettings, out: Path, kind: type[CompressorError], words: str, **changed: Any) -> None:
    """Refused in one sentence, and everything is as it was."""
    before = sorted(out.parent.rglob("*"))
    with pytest.raises(kind, match=words) as caught:
        finish(export(config.replace(**changed), out))
    assert "\n" not in str(caught.value)
    assert sorted(out.parent.rglob("*")) == before


def test_a_cancelled_export_leaves_nothing(labelled: ExportSettings, tmp_path: Path) -> None:
    records: list[Record] = []
    assert finish(export(labelled, tmp_path / "out", cancelled=lambda: True), records.append) is None
    assert {record.type for record in records} == {"progress"}
    assert not any(tmp_path.glob("*out*"))


def test_a_place_that_is_taken(labelled: ExportSettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()  # an empty folder is not
    result_of(labelled, out)
    first = (tmp_path / "out.zip").stat().st_mtime_ns
    refused(labelled, out, DataError, "exists already")
    refused(labelled, tmp_path / "out.zip", DataError, "exists already")
    refused(labelled, out, DataError, r"model\.onnx exists already", format="onnx")
    (out / "index.html").write_text("an old page")
    result_of(labelled, out, overwrite=True)
    assert not (out / "index.html").exists() or "an old page" not in (out / "index.html").read_text("utf-8")
    assert (tmp_path / "out.zip").stat().st_mtime_ns > first
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out", "out.zip"]

    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.tex").write_text("years of work")
    refused(labelled, other, DataError, "nothing that an export has written", overwrite=True)
    (tmp_path / "more.zip").write_bytes(b"PK, but not ours")
    refused(labelled, tmp_path / "more", DataError, r"more\.zip is nothing", overwrite=True)


def test_a_place_that_cannot_be_written(labelled: ExportSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="Cannot write"):
        finish(export(labelled, tmp_path / "file" / "out"))
    with pytest.raises(StorageError, match="Cannot write"):
        finish(export(labelled, Path("/proc/none/out")))


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kilobytes", [10, 62, 100, 130])
def test_a_disk_that_is_full(kilobytes: int, labelled: ExportSettings, tmp_path: Path) -> None:
    """The weights, the ONNX files or the zip are the first that do not fit."""
    out = tmp_path / "full" / "out"
    out.parent.mkdir()
    with (
        pytest.raises(StorageError, match=r"Cannot write [^ ]*/full/out.*free some space"),
        no_file_larger_than(kilobytes * 1000),
    ):
        finish(export(labelled, out))
    assert not any(out.parent.iterdir())


@pytest.fixture
def broken(tiny_teacher: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the student with some of a JSON file's values changed, or without it."""

    def change(file: str, **values: Any) -> Path:
        folder = tmp_path / "broken"
        shutil.copytree(tiny_teacher, folder)
        if values:
            old = json.loads((folder / file).read_text("utf-8"))
            (folder / file).write_text(json.dumps({**old, **values}), "utf-8")
        else:
            (folder / file).unlink()
        return folder

    return change


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("config.json", {}, r"no config\.json"),
        ("model.safetensors", {}, r"no model\.safetensors"),
        ("tokenizer.json", {}, r"no tokenizer\.json|cannot be read"),
        ("config.json", {"vocab_size": 300}, "tokenizer of|cannot be read"),
        ("config.json", {"hidden_size": 32}, "cannot be read"),
        (CARD, {"max_length": "long"}, "max_length"),
        (CARD, {"labels": ["only one"]}, "labels"),
        (CARD, {"task": "clone"}, "cannot be read"),
    ],
)
def test_a_student_that_is_broken(
    file: str, values: dict[str, Any], words: str, broken: Callable[..., Path], labelled: ExportSettings, tmp_path: Path
) -> None:
    folder = broken(file, **values)
    refused(labelled, tmp_path / "out", ModelError, words, model=str(folder))


def test_what_it_is_tried_on(labelled: ExportSettings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"split must be .* not 'exam'"):
        labelled.replace(split="exam")
    refused(labelled, tmp_path / "out", DataError, "no dataset 'cats'", dataset="cats")
    refused(labelled, tmp_path / "out", ModelError, "for clone", dataset="classroom-clone", data=None)
    with pytest.raises(SettingsError, match="'pickle'"):
        labelled.replace(format="pickle")
    with pytest.raises(SettingsError, match="examples"):
        labelled.replace(examples=0)


def test_the_command_line(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.onnx"
    command = ["export", str(tiny_teacher), "--dataset", "file", "--data", str(labelled_file), "--out", str(out)]
    assert main([*command, "--format", "onnx-int8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == [str(out)] and found["size_mb"] == out.stat().st_size / 1e6
    assert found["split"] == "test"  # as evaluate takes a file that the model learned from
    assert found["examples"] == read_file(labelled_file).size(Split.TEST)  # all of them, for int8's accuracy
    assert main([*command, "--format", "onnx"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "--replace" in error
    assert main([*command, "--format", "onnx", "--replace", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["max_abs_difference"] < 1e-4
