"""Files that pretend to be models: nothing in them is ever run, followed, or blown up."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from compressor_core.cli.main import main
from compressor_core.errors import ModelError
from compressor_core.export.exporting import export
from compressor_core.export.settings import ExportSettings
from compressor_core.models.classifier import TRIED, load
from compressor_core.models.released import _read_tokenizer, read_released
from compressor_core.models.teacher import load_encoder
from compressor_core.paper import Encoder
from compressor_core.task import Task
from tests.tiny import TINY

LARGE = bytes(200_000)
"""So that a file is not refused for being too small for the model that it is said to hold."""


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.trace}'",)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """What is there once any code of a file has run."""
    return tmp_path / "it-ran"


@pytest.fixture
def model(tiny_teacher: Path, tmp_path: Path) -> Path:
    """A copy of a sound model that a test may spoil."""
    return Path(shutil.copytree(tiny_teacher, tmp_path / "model"))


def released(checkpoint: Path, tokenizer: Path) -> None:
    read_released(checkpoint, tokenizer, Encoder.CODEBERT, Task.VULNERABILITY)


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **values}), "utf-8")


def test_the_bomb_would_go_off(trace: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists()


@pytest.mark.parametrize("form", ["torch", "pickle", "old"])
def test_a_checkpoint_with_code_in_it_is_not_opened(form: str, model: Path, trace: Path) -> None:
    checkpoint = model.parent / "student.bin"
    if form == "pickle":
        checkpoint.write_bytes(pickle.dumps([Bomb(trace), LARGE]))
    else:
        content = {"weight": torch.zeros(50_000), "more": Bomb(trace)}
        torch.save(content, checkpoint, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(ModelError, match=r"run code of its own|damaged"):
        released(checkpoint, model / "tokenizer.json")
    (model / "model.safetensors").unlink()
    shutil.copyfile(checkpoint, model / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"not opened|cannot be read"):
        load(model)
    with pytest.raises(ModelError, match=r"not opened|cannot be read"):
        load_encoder(str(model), Task.VULNERABILITY, ("0", "1"), 64)
    assert not trace.exists()


def test_safetensors_that_are_a_pickle_are_not_opened(model: Path, trace: Path) -> None:
    (model / "model.safetensors").write_bytes(pickle.dumps([Bomb(trace), LARGE]))
    with pytest.raises(ModelError, match="cannot be read"):
        load(model)
    assert not trace.exists()


@pytest.mark.parametrize("what", ["config", "tokenizer"])
def test_a_model_with_code_of_its_own_is_refused(what: str, model: Path, trace: Path) -> None:
    (model / "evil.py").write_text(
        f"from pathlib import Path\nPath({str(trace)!r}).touch()\n"
        "from transformers import RobertaConfig as Config, RobertaModel as Model, PreTrainedTokenizerFast as Reader\n"
    )
    if what == "config":
        names = {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Model"}
        edit(model / "config.json", model_type="evil", auto_map={**names, "AutoModel": "evil.Model"})
    else:
        own = {"AutoTokenizer": ["evil.Reader", "evil.Reader"]}
        edit(model / "tokenizer_config.json", tokenizer_class="Reader", auto_map=own)
    for read in (
        partial(load, model),
        partial(load_encoder, str(model), Task.VULNERABILITY, ("0", "1"), 64),
    ):
        with suppress(ModelError):
            read()
    assert not trace.exists()
    with pytest.raises(ModelError, match="code of its own" if what == "tokenizer" else "cannot be read"):
        load(model)


def test_a_kernel_of_the_hub_is_not_fetched(model: Path) -> None:
    """Transformers would look for the name of an attention that it does not know on the hub, and run what it finds."""
    edit(model / "config.json", attn_implementation="evil/kernel", _attn_implementation="evil/kernel")
    try:
        loaded = load(model)
    except ModelError:
        return
    assert "evil" not in str(vars(loaded.model.config))


def test_an_archive_that_hides_its_size_is_not_opened(model: Path) -> None:
    plain, packed = model.parent / "plain.bin", model.parent / "packed.bin"
    torch.save({"weight": torch.zeros(4_000_000)}, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    assert packed.stat().st_size < plain.stat().st_size / 100
    assert len(torch.load(packed, weights_only=True)["weight"]) == 4_000_000  # so PyTorch itself would
    with pytest.raises(ModelError, match="packed archive"):
        released(packed, model / "tokenizer.json")
    (model / "model.safetensors").unlink()
    shutil.copyfile(packed, model / "pytorch_model.bin")
    with pytest.raises(ModelError, match="packed archive"):
        load(model)


def test_a_tensor_that_is_larger_than_its_file_is_not_believed(model: Path) -> None:
    checkpoint = model.parent / "student.bin"
    names = ("encoder.roberta.embeddings.word_embeddings.weight", "encoder.classifier.dense.weight")
    torch.save({name: torch.zeros(1).expand(1_000_000, 1_000_000) for name in names}, checkpoint)
    assert checkpoint.stat().st_size < 5_000
    with pytest.raises(ModelError, match="larger than the file"):
        released(checkpoint, model / "tokenizer.json")


def test_a_giant_tokenizer_is_not_read(model: Path) -> None:
    with (model / "tokenizer.json").open("ab") as file:
        file.truncate(200_000_000)
    with pytest.raises(ModelError, match="200 MB is too much"):
        _read_tokenizer(model / "tokenizer.json", 400, Encoder.CODEBERT)


def test_a_bundle_holds_nothing_that_a_model_folder_links_to(model: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the password")
    (model / "notes.txt").symlink_to(secret)
    (model / "home").symlink_to(tmp_path)
    (model / "README.md").unlink(missing_ok=True)
    (model / "README.md").symlink_to(secret)
    data = tmp_path / "rows.jsonl"
    data.write_text(
        "".join(
            json.dumps({"func": f"def f{n}(): return {n}", "label": n % 2, "split": "test"}) + "\n" for n in range(8)
        ),
        "utf-8",
    )
    out = tmp_path / "taken"
    for _ in export(ExportSettings(model=str(model), dataset="file", data=str(data), examples=4), out):
        pass
    with zipfile.ZipFile(out.with_suffix(".zip")) as archive:
        names = [name.removeprefix("taken/") for name in archive.namelist()]
        contents = b"".join(archive.read(name) for name in archive.namelist())
    assert "notes.txt" not in names and not any("/" in name or name.startswith(".") for name in names)
    assert b"the password" not in contents
    assert secret.read_text() == "the password" and not any(path.is_symlink() for path in out.rglob("*"))


@pytest.fixture
def overflowing(model: Path, labelled_file: Path) -> Path:
    """A model whose weights are finite numbers, and whose answers to some functions are not."""
    classifier = load(model)
    asked = {token for code in TRIED for token in classifier.encode([code])[0][0].ids}
    rows = [json.loads(line) for line in labelled_file.read_text("utf-8").splitlines()]
    others = {token for row in rows for token in classifier.encode([row["func"]])[0][0].ids} - asked
    with torch.no_grad():
        words = cast(Any, classifier.model).get_input_embeddings().weight
        words[sorted(others)] = 3e38 * torch.tensor([1.0, -1.0]).repeat(words.shape[1] // 2)
    classifier.save(model)
    load(model)
    return model


@pytest.mark.parametrize("verb", ["predict", "evaluate", "compare", "probe", "distill", "export"])
def test_a_model_that_answers_no_number_is_told_in_a_sentence(
    verb: str,
    overflowing: Path,
    tiny_teacher: Path,
    labelled_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, out = tmp_path / "f.py", tmp_path / "out"
    source.write_text(json.loads(labelled_file.read_text("utf-8").splitlines()[0])["func"])
    data = ["--dataset", "file", "--data", str(labelled_file)]
    arguments = {
        "predict": [str(overflowing), str(source)],
        "evaluate": [str(overflowing), *data],
        "compare": [str(tiny_teacher), str(overflowing), *data, "--latency-examples", "2"],
        "probe": [str(overflowing), *data, "--language", "python"],
        "distill": ["--teacher", str(overflowing), *data, "--architecture", TINY, "--epochs", "1", "--out", str(out)],
        "export": [str(overflowing), *data, "--format", "onnx", "--out", f"{out}.onnx"],
    }
    assert main([verb, *arguments[verb], "--json"]) in (1, 2)
    said = capsys.readouterr()
    assert "no finite number" in said.err and "Traceback" not in said.err and "NaN" not in said.out
    assert not list(tmp_path.glob("out*"))
