"""German, Chinese and English code comes in by every door whole, and goes out whole, whatever the machine's locale."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compressor_core.data.files import read_file
from compressor_core.data.intake import inspect, save_upload, take_in
from compressor_core.data.pasted import checked, decoded, language_remark
from compressor_core.data.survey import survey
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.dataflow import extract
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.settings import TeacherSettings
from compressor_core.errors import DataError
from compressor_core.evaluate.attribution import attribute
from compressor_core.export.exporting import export
from compressor_core.export.settings import ExportSettings
from compressor_core.figures.compare.attribution import attribution_html, attribution_info
from compressor_core.figures.study.dataflow import data_flow_info
from compressor_core.figures.words.captions import data_flow_words
from compressor_core.language import Language
from compressor_core.models.classifier import load
from compressor_core.report import report
from compressor_core.runs import RunStore
from compressor_core.runs.worker import run_worker
from tests.samples import CHINESE, ENGLISH, GERMAN, SAMPLES

PROJECT = Path(__file__).resolve().parents[1]
POSIX = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
"""A machine that thinks the world is ASCII."""
LABELS = ("sauber ✓", "不安全")
ODD_NAMES = ("Prüfung größe.py", "函数 🎉.py")


def rows() -> list[dict[str, Any]]:
    """Labelled functions, all different, in three languages."""
    codes = [f"{code}# Nr. {number} 号\n" for number in range(30) for code in (GERMAN, CHINESE, ENGLISH)]
    return [{"func": code, "label": LABELS[at % 2]} for at, code in enumerate(codes)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("Straße 街道")


@pytest.fixture(scope="module")
def labelled(folder: Path) -> Path:
    """A file of them as a user would take it in, with what is label 1 chosen."""
    raw = folder / "Daten Größe 数据.jsonl"
    raw.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows()), "utf-8")
    return take_in(raw, folder / "uploads", positive=LABELS[1])


@pytest.fixture(scope="module")
def teacher(labelled: Path, folder: Path) -> Path:
    out = folder / "Lehrer 老师"
    config = TeacherSettings(dataset="file", data=str(labelled), architecture="600,16,1,2,16", epochs=1, threads=1)
    for _ in train_teacher(config, out):
        pass
    return out


@pytest.mark.parametrize("code", SAMPLES.values(), ids=SAMPLES)
def test_what_is_pasted_or_uploaded_stays_as_it_is(code: str) -> None:
    assert checked(code, "the code") == code
    assert decoded(code.encode("utf-8"), "a.py") == code
    assert decoded(b"\xef\xbb\xbf" + code.encode("utf-8"), "a.py") == code


def test_a_mark_of_order_that_was_pasted_is_no_part_of_the_code() -> None:
    assert checked("\ufeff" + GERMAN, "the code") == GERMAN


@pytest.mark.parametrize(("code", "language"), [(GERMAN, Language.PYTHON), (CHINESE, Language.PYTHON)])
def test_no_language_is_mistaken_for_its_words(code: str, language: Language) -> None:
    assert language_remark(code, language) is None


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "gb18030", "utf-16"])
def test_another_encoding_is_refused_in_a_sentence(encoding: str, tmp_path: Path) -> None:
    text = (CHINESE if encoding == "gb18030" else GERMAN).replace('"', "'")
    with pytest.raises(DataError, match=r"UTF-8|binary"):
        decoded(text.encode(encoding), "prüfung.py")
    path = tmp_path / "größe.csv"
    path.write_bytes(f'func,label\n"{text}",1\n"x",0\n'.encode(encoding))
    with pytest.raises(DataError, match="UTF-8"):
        read_file(path)


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "with a mark of order"])
def test_files_of_every_kind_are_read_whole(mark: str, tmp_path: Path) -> None:
    expected = [row["func"] for row in rows()]
    table = tmp_path / "Tabelle 表.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        writer = csv.DictWriter(file, ["func", "label"])
        writer.writeheader()
        writer.writerows({**row, "label": LABELS.index(row["label"])} for row in rows())
    lines = tmp_path / "Zeilen 行.jsonl"
    text = "".join(
        json.dumps({**row, "label": LABELS.index(row["label"])}, ensure_ascii=False) + "\n" for row in rows()
    )
    lines.write_text(mark + text, "utf-8")
    for path in (table, lines):
        kept = save_upload(tmp_path, path.name, path.read_bytes())
        found = inspect(kept)
        assert (found.rows, found.bad_count, found.examples[0].codes[0]) == (len(expected), 0, expected[0])
        dataset = read_file(kept)
        assert [example.codes[0] for example in dataset.everything()] == expected
        assert survey(dataset).functions == len(expected)


def test_labels_keep_their_names(labelled: Path) -> None:
    assert read_file(labelled).labels == LABELS


@pytest.mark.parametrize("code", SAMPLES.values(), ids=SAMPLES)
def test_own_and_published_tokenizers_know_every_character(code: str) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    own = train_tokenizer([GERMAN, ENGLISH], 300)  # it has never seen Chinese
    ids = own(code, add_special_tokens=False)["input_ids"]
    assert own.unk_token_id not in ids
    assert own.decode(ids) == " ".join(code.split()).lower()
    # As RoBERTa's, and so those of CodeBERT and GraphCodeBERT: bytes are its smallest words.
    letters = {letter: at for at, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    published = Tokenizer(models.BPE(vocab=letters, merges=[]))
    published.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    published.decoder = decoders.ByteLevel()
    assert published.decode(published.encode(code).ids) == code


@pytest.mark.parametrize("language", [Language.PYTHON, Language.C])
def test_variables_of_any_script_have_their_data_flow(language: Language) -> None:
    code = GERMAN if language is Language.PYTHON else SAMPLES["c"]
    records = extract(code, language).to_records()
    name = "übrig" if language is Language.PYTHON else "宽度"
    assert [code[one["start"] : one["end"]] for one in records if one["name"] == name] == [name] * 2
    assert f"{name} in line" in data_flow_words(data_flow_info(code, records))


@pytest.mark.parametrize("code", SAMPLES.values(), ids=SAMPLES)
def test_every_line_has_its_score_and_is_shown_as_it_is(code: str, teacher: Path) -> None:
    classifier = load(teacher)
    found = attribute(classifier, (code,))
    assert len(found.lines[0]) == len(code.splitlines()) and None not in found.lines[0]
    info = attribution_info((code,), {"student": found}, 0)
    assert [line.text for line in info.lines] == code.splitlines()
    html = attribution_html(info)
    assert all(word in html for word in code.split() if word.isalnum())


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **POSIX, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}
    environment.pop("PYTHONIOENCODING")
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False)


def test_the_command_line_under_the_locale_c(teacher: Path, folder: Path) -> None:
    for name in ODD_NAMES:
        (folder / name).write_text(CHINESE, "utf-8")
    predict = ["-m", "compressor_core", "predict", str(teacher)]
    answers = [json.loads(run([*predict, name, "--json"], folder).stdout) for name in ODD_NAMES[:1]]
    assert answers[0]["label"] in LABELS and set(answers[0]["probabilities"]) == set(LABELS)
    readable = run([*predict, ODD_NAMES[1]], folder)
    assert readable.returncode == 0, readable.stderr
    assert answers[0]["label"] in readable.stdout.decode("utf-8")
    (folder / "alt.py").write_bytes(GERMAN.encode("latin-1"))
    refused = run([*predict, "alt.py"], folder)
    assert refused.returncode == 2 and b"not UTF-8 text" in refused.stderr and refused.stderr.count(b"\n") == 1


def test_a_bundle_under_the_locale_c(teacher: Path, labelled: Path, folder: Path) -> None:
    out = folder / "Paket 包"
    config = ExportSettings(model=str(teacher), dataset="file", data=str(labelled), examples=5)
    for _ in export(config, out):
        pass
    card = (out / "README.md").read_text("utf-8")
    assert all(label in card for label in LABELS)
    (folder / ODD_NAMES[1]).write_text(CHINESE, "utf-8-sig")
    said = run([str(out / "predict.py"), ODD_NAMES[1]], folder)
    assert said.returncode == 0, said.stderr
    assert all(f"{label}=" in said.stdout.decode("utf-8") for label in LABELS)


def test_a_run_and_its_report_keep_their_names() -> None:
    store = RunStore()
    name = "Größe 3 MB, 搜索 🎉"
    search = store.create("search", {"budget_mb": 3.0, "population": 10, "generations": 3}, name=name)
    run_worker(search.folder)
    assert store.get(search.id).name == name
    assert name in report(store, search.id)
    store.rename(search.id, CHINESE.split("(")[0])
    assert [one.name for one in RunStore().list()] == ["def 计算长度"]
