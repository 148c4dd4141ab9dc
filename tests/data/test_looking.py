"""A look at a file in a process of its own: the same as here, and never more than it may take."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import psutil
import pytest

from compressor_core.data.columns import Columns
from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.data.intake import take_in
from compressor_core.data.looking import MOST_SHOWN, SMALL, Limits, Question, look, look_apart
from compressor_core.data.survey import survey
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.progress import finish
from compressor_core.records import Progress, Record


def large(path: Path, rows: int = 4_000, **more: object) -> Path:
    """A file that is not read in this process."""
    text = "".join(
        json.dumps({"func": f"int f{i}() {{ return {i}; }}", "label": i % 2, **more}) + "\n" for i in range(rows)
    )
    path.write_text(text, "utf-8")
    assert path.stat().st_size > SMALL
    return path


def test_a_process_of_its_own_finds_the_same(tmp_path: Path) -> None:
    path = large(tmp_path / "x.jsonl", note="n")
    said: list[Record] = []
    found = finish(look_apart(Question(path=path, limits=Limits())), said.append)
    assert found == finish(look(Question(path=path)))
    assert any(isinstance(record, Progress) and "rows" in record.message for record in said)
    whole = read_file(path)
    assert found.survey is not None
    assert found.survey.model_dump(exclude={"longest_origin"}) == survey(whole).model_dump(exclude={"longest_origin"})
    sample = found.dataset
    assert {split: sample.size(split) for split in Split} == {split: whole.size(split) for split in Split}
    assert len(sample.examples(Split.TRAIN)) == MOST_SHOWN < whole.size(Split.TRAIN)
    assert sample.examples(Split.TRAIN)[0].codes == whole.examples(Split.TRAIN)[0].codes
    assert found.in_language(Language.C).dataset.language is Language.C


def test_choices_about_a_large_file_are_read_there_too(tmp_path: Path) -> None:
    path = large(tmp_path / "x.jsonl", target=7)
    data = take_in(path, tmp_path / "kept", language=Language.C)
    found = finish(look_apart(Question(path=data, limits=Limits())))
    assert found.dataset.language is Language.C
    assert found.sample[0][1].origin == "line 1 of x.jsonl"
    with pytest.raises(DataError, match="no column 'absent'"):
        finish(look_apart(Question(path=data, columns=Columns(func="absent"))))


def test_too_many_rows_too_much_memory_too_long(tmp_path: Path) -> None:
    path = large(tmp_path / "x.jsonl")
    with pytest.raises(DataError, match="more than 3,999 rows"):
        finish(look_apart(Question(path=path, limits=Limits(rows=3_999))))
    bomb = tmp_path / "bomb.csv"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(b"func,label\n")
        for number in range(10_000):  # forty times as large as it is packed, which may be
            file.write(random.Random(number).randbytes(600).hex().encode() + b"a" * 30_000)
    with pytest.raises(DataError, match="more memory than 300 MB"):
        finish(look_apart(Question(path=bomb, limits=Limits(memory_mb=300))))
    with pytest.raises(DataError, match="within 1 seconds"):
        finish(look_apart(Question(path=large(tmp_path / "y.jsonl", 60_000), limits=Limits(seconds=1))))


def test_who_leaves_takes_the_process_with_him(tmp_path: Path) -> None:
    path = large(tmp_path / "x.jsonl", 60_000)
    work = look_apart(Question(path=path))
    next(work)
    (reader,) = [child for child in psutil.Process().children() if str(path) in " ".join(child.cmdline())]
    work.close()
    assert not reader.is_running()
    finish(look_apart(Question(path=large(tmp_path / "y.jsonl"))))  # its turn was given back


def test_a_file_for_no_page(tmp_path: Path) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_text(",".join(f"c{i}" for i in range(2_000)) + "\n")
    with pytest.raises(DataError, match="2,000 columns"):
        finish(look_apart(Question(path=wide)))
    long = tmp_path / "long.jsonl"
    long.write_text(json.dumps({"func": "x" * 1_000_001, "label": "l" * 5_000}) + "\n")
    found = finish(look_apart(Question(path=long)))
    assert found.inspection.bad[0].reason == "has 1,000,001 characters of code in 'func', more than 1,000,000"
    assert found.survey is None and not found.inspection.labels
