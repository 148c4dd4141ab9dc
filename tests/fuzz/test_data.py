"""Files of labelled code: CSV, JSONL, benchmarks' folders, uploads, pasted code."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from compressor_core.data.benchmarks import bigclonebench, devign, halves
from compressor_core.data.columns import Columns
from compressor_core.data.dataset import UNKNOWN, Split
from compressor_core.data.files import FileDataset, read_file
from compressor_core.data.formats import column_names
from compressor_core.data.intake import inspect, save_upload, take_in
from compressor_core.data.lines import BadRow
from compressor_core.data.pasted import checked, decoded, language_remark
from compressor_core.data.pool import Pool
from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.data.survey import survey
from compressor_core.data.tables import Row, read_rows
from compressor_core.figures.words.forms import csv_text
from compressor_core.language import Language
from compressor_core.task import Task
from tests.fuzz.guard import clear
from tests.fuzz.values import damaged, edited, numbers, plain_values, scalars, texts

codes = (
    st.sampled_from(("int f(int a) { return a; }", "def f(a):\n    return a\n", "ü = '字'", "a\r\nb", 'x,"y"')) | texts
)
labels = st.sampled_from(("0", "1", 0, 1, True, "true", "safe", "vulnerable", "-1", "", "clone", "0.0")) | scalars
splits = st.sampled_from(("train", "test", "validation", "unlabelled", "dev", "", None)) | scalars
rows = st.lists(
    st.fixed_dictionaries(
        {"func": codes, "label": labels}, optional={"split": splits, "group": scalars, "language": scalars}
    )
    | st.fixed_dictionaries({"func1": codes, "func2": codes, "label": labels})
    | plain_values,
    max_size=8,
)
RIGHT = [{"func": f"int f{n}() {{ return {n}; }}", "label": n % 2, "split": "train"} for n in range(6)]


def jsonl(values: Any) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode("utf-8", "surrogatepass")


def as_csv(values: Any, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    names = list(dict.fromkeys(key for value in values if isinstance(value, dict) for key in value))
    writer.writerow(names)
    writer.writerows([value.get(name, "") for name in names] for value in values if isinstance(value, dict))
    return out.getvalue().encode("utf-8", "surrogatepass")


files = st.one_of(
    st.tuples(
        st.just("jsonl"), rows.map(jsonl) | edited(RIGHT).map(lambda v: jsonl(v if isinstance(v, list) else [v]))
    ),
    st.tuples(st.just("jsonl"), damaged(jsonl(RIGHT))),
    st.tuples(st.sampled_from(("csv", "tsv")), st.tuples(rows, st.sampled_from(",;\t")).map(lambda of: as_csv(*of))),
    st.tuples(st.just("csv"), damaged(as_csv(RIGHT))),
    st.tuples(st.just("CSV"), st.text(st.sampled_from(',;\t"\r\n\0 abfunclabel01'), max_size=60).map(str.encode)),
)


def written(folder: Path, kind: str, content: bytes) -> Path:
    path = folder / f"functions.{kind}"
    path.write_bytes(content)
    return path


@given(files)
@example(("jsonl", b"[" * 100_000))
@example(("jsonl", b'{"a":' * 100_000))
@example(("jsonl", b'{"func": "a", "label": ' + b"1" * 5000 + b"}\n"))
@example(("csv", b'func,label\n"' + b"a" * 300_000))
@example(("csv", b"\xef\xbb\xbffunc;label\na;0\nb;1\n"))
@example(("csv", b'func\r"a",label\n'))
def test_labelled_file(tmp_path: Path, file: tuple[str, bytes]) -> None:
    path = written(tmp_path, *file)
    with clear():
        found = list(read_rows(path))
        good = [row for row in found if isinstance(row, Row)]
        assert all(row.reason for row in found if isinstance(row, BadRow))
        lines = path.read_bytes().count(b"\n") + path.read_bytes().count(b"\r") + 1
        assert [row.line for row in found] == sorted(row.line for row in found) and all(
            row.line <= lines for row in found
        )
        assert all(code.strip() and "\0" not in code for row in good for code in row.example.codes)
        inspection = inspect(path)
        assert inspection.names == column_names(path) and (not inspection.missing or not inspection.names)
        assert not inspection.names or (inspection.rows, inspection.bad_count) == (len(good), len(found) - len(good))
    with clear():
        dataset = read_file(path)
        assert len(dataset.rows) == len(good) == len(found)
        assert {row.example.label for row in good} >= {0, 1}
        counts_of(dataset)


def counts_of(dataset: FileDataset) -> None:
    """Whether the survey counts what is counted here by hand."""
    found = survey(dataset)
    own = Counter(split for split, _ in dataset.rows)
    assert {one.split: one.examples for one in found.splits} == {str(s): n for s, n in own.items()}
    assert sum(one.positive for one in found.splits) == sum(e.label == 1 for _, e in dataset.rows)
    assert sum(one.unlabelled for one in found.splits) == sum(e.label == UNKNOWN for _, e in dataset.rows)
    functions = {" ".join(code.split()) for _, e in dataset.rows for code in e.codes}
    assert found.functions == len(functions) == sum(found.functions_by_length)
    whole = {tuple(sorted(" ".join(code.split()) for code in e.codes)) for _, e in dataset.rows}
    assert found.duplicates == len(dataset.rows) - len(whole)


@given(files, st.sampled_from(("1", "vulnerable", "0", "")) | texts, st.booleans(), st.sampled_from([*Language, None]))
def test_taking_in(
    tmp_path: Path, file: tuple[str, bytes], positive: str, skip: bool, language: Language | None
) -> None:
    path = written(tmp_path, *file)
    with clear():
        copy = take_in(path, tmp_path / "in", positive=positive or None, skip_bad_rows=skip, language=language)
        usable = [row for row in read_rows(path, positive=positive or None) if isinstance(row, Row)]
        again = [row for row in read_rows(copy) if isinstance(row, Row)]
        assert [row.example.codes for row in again] == [row.example.codes for row in usable]
        assert [row.example.label for row in again] == [row.example.label for row in usable]
        assert read_file(copy).language == (language or read_file(copy).language)


@given(
    files, texts | st.sampled_from(("func=func,label=label", "func1=a,func2=b", "label=func", "split=split,func=func"))
)
def test_columns(tmp_path: Path, file: tuple[str, bytes], text: str) -> None:
    path = written(tmp_path, *file)
    with clear():
        columns = Columns.parse(text)
        assert columns.completed(column_names(path)).code is not None
        inspect(path, columns)


@given(damaged(jsonl([{"func": f"int f{n};", "target": n % 2, "idx": n} for n in range(6)])), st.booleans())
def test_devign(tmp_path: Path, content: bytes, folder: bool) -> None:
    (tmp_path / "train.jsonl").write_bytes(content)
    with clear():
        dataset = devign(str(tmp_path if folder else tmp_path / "train.jsonl"))
        counts_of(dataset)
        if folder:
            sizes = {split: dataset.size(split) for split in Split}
            assert sizes[Split.TRAIN] + sizes[Split.UNLABELLED] == len(dataset.rows)
            assert list(halves(dataset.rows)) == list(dataset.rows) or not sizes[Split.UNLABELLED]


FUNCTIONS = jsonl({"func": f"int f{n}() {{}}", "idx": str(n)} for n in range(5))
PAIRS = b"0\t1\t1\n1\t2\t0\n3\t4\t1\t0.9\n0\t9\t1\n"


@given(
    damaged(FUNCTIONS) | st.just(FUNCTIONS),
    damaged(PAIRS) | st.just(PAIRS),
    st.sampled_from(("pairs", "train", "unlabel_train")),
)
@example(FUNCTIONS, b"0\t1\t1\n0\t1\t0\n1\t2\t-1\n", "unlabel_train")
@example(jsonl([{"func": "", "idx": "0"}, {"func": "\ud800", "idx": "1"}]), b"0\t1\t1\n1\t0\t0\n", "pairs")
@example(jsonl([{"func": "a", "idx": "0"}, {"func": "a\0", "idx": "1"}]), b"0\t1\t1\n1\t0\t0\n", "train")
def test_bigclonebench(tmp_path: Path, functions: bytes, pairs: bytes, name: str) -> None:
    for old in tmp_path.glob("*.txt"):
        old.unlink()
    (tmp_path / "data.jsonl").write_bytes(functions)
    (tmp_path / f"{name}.txt").write_bytes(pairs)
    with clear():
        dataset = bigclonebench(str(tmp_path))
        assert dataset.task is Task.CLONE
        counts_of(dataset)
        for _, pair in dataset.rows:
            for code in pair.codes:
                assert code.strip() and code.encode("utf-8") and "\0" not in code


@given(
    st.sampled_from(("file", "devign", "bigclonebench", "classroom-clone")) | texts,
    texts,
    st.sampled_from([*Split, None]),
)
@example("file", "x" * 5000, None)
@example("file", "\0", None)
@example("bigclonebench", "a\0b", None)
@example("file", ".", None)
def test_dataset_by_name(name: str, data: str, split: Split | None) -> None:
    with clear():
        dataset = open_dataset(name, data or "/nowhere")
        examples_for(dataset, split)


@given(files, st.sampled_from(("jsonl", "jsonl.gz", "json.gz", "parquet")), st.sampled_from(list(Task)), st.booleans())
def test_pool(tmp_path: Path, file: tuple[str, bytes], kind: str, task: Task, skip: bool) -> None:
    import gzip

    for old in tmp_path.glob("functions.*"):
        old.unlink()
    content = gzip.compress(file[1]) if kind.endswith("gz") and len(file[1]) % 5 else file[1]
    written(tmp_path, kind, content)
    with clear():
        pool = Pool(tmp_path, task, skip_bad_rows=skip)
        shards = list(pool.shards())
        assert all(len(codes) == (2 if task is Task.CLONE else 1) for shard in shards for codes in shard.codes)
        assert skip or not pool.bad


def parquet(values: Any, names: tuple[str, ...] = ("func", "label")) -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    table = pyarrow.table({name: [value[name] for value in values] for name in names})
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


@given(damaged(parquet(RIGHT)), st.booleans())
@example(parquet(RIGHT).replace(b"int f0", b"\x80nt f0"), False)
@example(parquet(RIGHT).replace(b"\x03\x88\xc6", b"\x03\xff\xc6"), False)  # places beyond the dictionary
def test_parquet(tmp_path: Path, content: bytes, skip: bool) -> None:
    path = tmp_path / "pool.parquet"
    path.write_bytes(content)
    with clear():
        shards = list(Pool(path, Task.VULNERABILITY, skip_bad_rows=skip).shards())
        assert content != parquet(RIGHT) or [code for shard in shards for (code,) in shard.codes] == [
            r["func"] for r in RIGHT
        ]


@given(
    texts | st.text(st.sampled_from("./\\~a:%\0"), max_size=12).map(lambda name: f"{name}.csv"), st.binary(max_size=50)
)
@example("..\\..\\etc/passwd.csv", b"a")
@example("a" * 5000 + ".jsonl", b"a")
@example("a." + "b" * 400 + ".CSV", b"a")
def test_upload(tmp_path: Path, name: str, data: bytes) -> None:
    with clear():
        path = save_upload(tmp_path, name, data)
        assert path.resolve().parent == (tmp_path / "uploads").resolve() and path.read_bytes() == data
        assert path.suffix in (".csv", ".jsonl", ".tsv")


@given(damaged(b"\xef\xbb\xbfint f(int a) { return a; }\r\n"), st.sampled_from([*Language, None]))
@example(b"{" * 400_000, Language.C)
@example(b"(" * 19_999, Language.PYTHON)
@example(b"\xed\xa0\x80", None)
def test_pasted_file(data: bytes, language: Language | None) -> None:
    with clear():
        code = decoded(data, "pasted.c")
        bom = b"\xef\xbb\xbf"  # one of the file, and one that was pasted into it
        assert code.encode() == data.removeprefix(bom).removeprefix(bom)
        remark = language_remark(code, language)
        assert remark is None or remark.startswith("This code ")


@given(texts | st.text(max_size=300), st.sampled_from([*Language, None]))
def test_pasted_text(code: str, language: Language | None) -> None:
    with clear():
        assert checked(code, "Function") == code.removeprefix("\ufeff")
        language_remark(code, language)


@given(st.lists(st.tuples(texts, texts | numbers), max_size=5))
@example([("a\rb", "=1"), ("\n+1", "@x")])
@example([(" =1+1", "\r\n=1")])
@example([("-0", "+1e5")])
def test_csv_that_is_written(values: list[tuple[str, Any]]) -> None:
    text = csv_text([{"name": name, "value": value} for name, value in values])
    read = list(csv.reader(io.StringIO(text)))
    assert len(read) == (len(values) + 1 if values else 0)
    for line, (name, _) in zip(read[1:], values, strict=True):
        plain = name.replace("\r\n", "\n").replace("\r", "\n")
        assert line[0].removeprefix("'") == plain.removeprefix("'")
        number = re.fullmatch(r"[+-]?[\d.,]+([eE][+-]?\d+)?", line[0])
        assert number or not line[0].startswith(("=", "+", "-", "@", "\t", "\n"))


@given(st.sampled_from((2, 3, 6)), st.integers(0, 40))
def test_two_readings_have_one_fingerprint(width: int, rows: int) -> None:
    """A file's rows, written as CSV and as JSONL, are the same dataset."""
    import tempfile

    values = [{"func": f"f{n % width}\n;", "label": n % 2} for n in range(rows)]
    with tempfile.TemporaryDirectory() as folder, clear():
        found = [
            read_file(written(Path(folder), "csv", as_csv(values))),
            read_file(written(Path(folder), "jsonl", jsonl(values))),
        ]
        assert found[0].fingerprint == found[1].fingerprint and found[0].labels == found[1].labels
