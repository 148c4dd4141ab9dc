"""A model for the hub: told first, sent on request; nothing here reaches a network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from compressor_core.cli.main import main
from compressor_core.distill.distillation import distill
from compressor_core.distill.settings import DistillSettings
from compressor_core.errors import DataError, ModelError
from compressor_core.export import pushing
from compressor_core.export.pushing import push
from compressor_core.models.card import read_card
from tests.tiny import TINY, run_through

FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "compressor.json", "README.md"}


class Hub:
    """The two calls of the client, written down."""

    asked: list[Any]

    def create_repo(self, name: str, **options: Any) -> None:
        self.asked.append((name, options))

    def upload_folder(self, **options: Any) -> None:
        self.asked.append(options)


def test_it_is_told_first_and_sent_on_request(
    tiny_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(tiny_teacher, tmp_path / "student")
    (folder / "notes.txt").write_text("mine", "utf-8")
    (folder / "README.md").unlink(missing_ok=True)
    monkeypatch.setattr(Hub, "asked", [], raising=False)
    monkeypatch.setattr(pushing, "HfApi", Hub)
    assert main(["push", str(folder), "me/student", "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert not found["sent"] and set(found["files"]) == FILES and "give --send" in said.err and Hub.asked == []
    assert main(["push", str(folder), "me/student"]) == 0
    assert set(capsys.readouterr().out.split()) >= FILES, "listed for people, too"
    assert not (folder / "README.md").exists()
    assert main(["push", str(folder), "me/student", "--send", "--json"]) == 0
    sent = json.loads(capsys.readouterr().out)
    assert sent["sent"] and sent["size_mb"] == found["size_mb"]
    assert huggingface_hub.ModelCard.load(folder / "README.md").data.library_name == "transformers"
    created, uploaded = Hub.asked
    assert created == ("me/student", {"private": True, "exist_ok": True})
    assert uploaded["repo_id"] == "me/student" and set(uploaded["allow_patterns"]) == FILES


@pytest.mark.parametrize("options", [(), ("--licence", "apache-2.0"), ("--public", "--json")])
@pytest.mark.parametrize("described", [True, False])
def test_without_send_the_folder_stays_as_it_is(
    tiny_teacher: Path, tmp_path: Path, options: tuple[str, ...], described: bool
) -> None:
    folder = shutil.copytree(tiny_teacher, tmp_path / "student")
    (folder / "README.md").unlink(missing_ok=True)
    if described:
        (folder / "README.md").write_text("mine", "utf-8")
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}
    assert main(["push", str(folder), "me/student", *options]) == 0
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()} == before


def test_a_licence_is_written_down_and_goes_on_to_students(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(tiny_teacher, tmp_path / "teacher")
    monkeypatch.setattr(Hub, "asked", [], raising=False)
    monkeypatch.setattr(pushing, "HfApi", Hub)
    assert main(["push", str(folder), "me/teacher", "--licence", "apache-2.0", "--send"]) == 0
    assert huggingface_hub.ModelCard.load(folder / "README.md").data.license == "apache-2.0"
    push(folder, "me/teacher")
    card = read_card(folder)
    assert card is not None and card.licence == "apache-2.0", "kept"
    settings = DistillSettings(
        teacher=str(folder), architecture=TINY, dataset="file", data=str(labelled_file), epochs=1, threads=1
    )
    run_through(distill(settings, tmp_path / "student"))
    assert huggingface_hub.ModelCard.load(tmp_path / "student" / "README.md").data.license == "apache-2.0"


def test_what_cannot_be_pushed_is_one_sentence(
    tiny_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("student", "me/stu dent", "me//student", "a/b/c"):
        with pytest.raises(DataError, match="write user/name"):
            push(tiny_teacher, name)
    with pytest.raises(DataError, match="licence cannot be 'MIT License'"):
        push(tiny_teacher, "me/student", licence="MIT License")
    with pytest.raises(ModelError, match=r"has no compressor\.json"):
        push(tmp_path, "me/student")

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(Hub, "create_repo", unreachable)
    monkeypatch.setattr(pushing, "HfApi", Hub)
    with pytest.raises(DataError, match=r"the hub cannot be reached .*: try again with a network"):
        push(tiny_teacher, "me/student", send=True)


def test_a_model_of_pairs_is_pushed_with_its_code() -> None:
    assert set(push("students/classroom-clone-1mb", "me/student").files) == FILES | {"modeling_pair.py"}
