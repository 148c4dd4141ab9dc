"""The same labelled functions in every layout that tools and publishers write: all read alike."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import re
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from compressor_core.data.benchmarks import devign
from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.data.formats import column_names
from compressor_core.data.intake import inspect, take_in
from compressor_core.data.pool import Pool
from compressor_core.errors import DataError
from compressor_core.task import Task

CODE = 'int f{0}(char *s) {{\n\tprintf("%d, \\"%s\\"\\n", {0}, s); // a, b; c | d\n\treturn \'\\\\\';\n}}\n'
ROWS: list[dict[str, Any]] = [{"func": CODE.format(number), "label": number % 2} for number in range(30)]
FRAME = pd.DataFrame(ROWS)


def lines(rows: list[dict[str, Any]], between: str = "\n") -> str:
    return between.join(map(json.dumps, rows))


def as_csv(header: list[str], **dialect: Any) -> str:
    out = io.StringIO()
    csv.writer(out, **dialect).writerows([header, *([row["func"], row["label"]] for row in ROWS)])
    return out.getvalue()


def by_split(orient: Any) -> str:
    parts = {"train": FRAME[:20], "valid": FRAME[20:25], "test": FRAME[25:]}
    return json.dumps({name: json.loads(part.to_json(orient=orient)) for name, part in parts.items()})


def spark(code: str) -> str:
    """A cell: quotes have a backslash before them, and so have the backslashes that stand before one."""
    return re.sub(r'(\\*)"', lambda found: 2 * found[1] + '\\"', code)


def doubled(code: str) -> str:
    return code.replace('"', '""')


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x.jsonl"))
    return out.getvalue()


def arrow_stream() -> bytes:
    table, out = pyarrow.Table.from_pylist(ROWS), io.BytesIO()
    with pyarrow.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


TAR = tar()
CSV = FRAME.to_csv(index=False).encode()
BACKSLASH: dict[str, Any] = {"quoting": csv.QUOTE_ALL, "doublequote": False, "escapechar": "\\"}
LAYOUTS: dict[str, tuple[str, str]] = {
    "an object a line": ("x.jsonl", lines(ROWS)),
    "an object a line, called json": ("x.json", lines(ROWS)),
    "an object a line, called txt": ("x.txt", lines(ROWS)),
    "one array": ("x.json", json.dumps(ROWS)),
    "one array, called jsonl": ("x.jsonl", json.dumps(ROWS)),
    "one array over many lines": ("x.json", json.dumps(ROWS, indent=2)),
    "one array, an object a line": ("x.json", "[\n" + lines(ROWS, ",\n") + "\n]\n"),
    "objects with nothing between them": ("x.jsonl", lines(ROWS, "")),
    "objects with commas between them": ("x.jsonl", lines(ROWS, ",\n")),
    "objects over many lines": ("x.json", "\n".join(json.dumps(row, indent=1) for row in ROWS)),
    "pandas, columns": ("x.json", FRAME.to_json()),
    "pandas, index": ("x.json", FRAME.to_json(orient="index")),
    "pandas, split": ("x.json", FRAME.to_json(orient="split")),
    "pandas, table": ("x.json", FRAME.to_json(orient="table")),
    "pandas, records": ("x.json", FRAME.to_json(orient="records")),
    "lists by column": ("x.json", json.dumps(FRAME.to_dict("list"))),
    "rows under a name": ("x.json", json.dumps({"version": "1", "data": ROWS})),
    "rows of the datasets server": (
        "x.json",
        json.dumps(
            {
                "features": [{"feature_idx": 0, "name": "func", "type": {"dtype": "string", "_type": "Value"}}],
                "rows": [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(ROWS)],
                "num_rows_total": 30,
            }
        ),
    ),
    "rows within rows": ("x.jsonl", lines([{"id": 3, "sample": row} for row in ROWS])),
    "a table under two names": ("x.json", json.dumps({"data": {"all": ROWS}, "version": 2})),
    "lists by column, and other things": ("x.json", json.dumps({**FRAME.to_dict("list"), "v": 1, "classes": ["a"]})),
    "lists of lines": ("x.jsonl", lines([{**row, "func": row["func"].splitlines(keepends=True)} for row in ROWS])),
    "two files after each other": ("x.jsonl", "\ufeff" + lines(ROWS[:9]) + "\n\ufeff" + lines(ROWS[9:])),
    "an object a line, called csv": ("x.csv", lines(ROWS)),
    "one array, called tsv": ("x.tsv", json.dumps(ROWS, indent=1)),
    "comma, called json": ("x.json", as_csv(["func", "label"])),
    "semicolon, called jsonl": ("x.jsonl", as_csv(["func", "label"], delimiter=";", quoting=csv.QUOTE_ALL)),
    "comma": ("x.csv", as_csv(["func", "label"])),
    "semicolon": ("x.csv", as_csv(["func", "label"], delimiter=";")),
    "tab": ("x.tsv", as_csv(["func", "label"], delimiter="\t")),
    "pipe": ("x.csv", as_csv(["func", "label"], delimiter="|")),
    "called txt": ("x.txt", as_csv(["func", "label"], delimiter="|")),
    "blanks before quotes": ("x.csv", as_csv(["func", "label"], quoting=csv.QUOTE_ALL).replace('","', '" , "')),
    "blanks before quotes, label first": (
        "x.csv",
        "label, func\n" + "".join(f'{row["label"]}, "{doubled(row["func"])}"\n' for row in ROWS),
    ),
    "single quotes": ("x.csv", as_csv(["func", "label"], quotechar="'", quoting=csv.QUOTE_ALL)),
    "single quotes, not around names": ("x.csv", "func,label\n" + as_csv([], quotechar="'").lstrip()),
    "delimiter stated as in Python": ("x.csv", "sep=\\t\n" + as_csv(["func", "label"], delimiter="\t")),
    "delimiter stated with blanks": ("x.csv", "\r\nSEP = ;\r\n" + as_csv(["func", "label"], delimiter=";")),
    "a tab stated": ("x.csv", "sep=\t\r\n" + as_csv(["func", "label"], delimiter="\t")),
    "stated delimiter": ("x.csv", "sep=;\r\n" + as_csv(["func", "label"], delimiter=";")),
    "quotes after a backslash": ("x.csv", as_csv(["func", "label"], **BACKSLASH)),
    "quotes after a backslash, pipe": ("x.csv", as_csv(["func", "label"], delimiter="|", **BACKSLASH)),
    "Spark": ("x.csv", "func,label\n" + "".join(f'"{spark(row["func"])}",{row["label"]}\n' for row in ROWS)),
    "a name over two lines": ("x.csv", as_csv(["source\ncode", "is\r\nvulnerable"])),
    "empty lines before the header": ("x.csv", "\n\n" + as_csv(["func", "label"])),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_read_as_the_same_functions(tmp_path: Path, layout: str) -> None:
    name, text = LAYOUTS[layout]
    path = tmp_path / name
    path.write_text(text, "utf-8", newline="")
    wanted = [((row["func"],), row["label"]) for row in ROWS]
    assert [(e.codes, e.label) for e in read_file(path).everything()] == wanted
    assert [(e.codes, e.label) for e in read_file(take_in(path, tmp_path / "kept")).everything()] == wanted
    assert inspect(path).rows == len(ROWS) and len(column_names(path)) >= 2


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('label, func\n0, "int a()"\n1, "int b()"\n', ["int a()", "int b()"]),
        ('label, "func"\n0, "a(1, 2)" \n1,   "b(""x"", ""y"")"\n', ["a(1, 2)", 'b("x", "y")']),
        ("func,label\n  a(),0\n b(),1\n", ["  a()", " b()"]),
        ('func,label\n"  a(""x"", ""y"")",0\n"b(1, ""\n, ""y"")",1\n', ['  a("x", "y")', 'b(1, "\n, "y")']),
        ('func\tlabel\n "a" + b\t0\n "b" + c\t1\n', [' "a" + b', ' "b" + c']),
        ("func,label\n'int a()',0\n'int b()',1\n", ["int a()", "int b()"]),
        ("label,func\n0,'a(1, 2)'\n1,'b(''x'', 3)'\n", ["a(1, 2)", "b('x', 3)"]),
        ("func,label,cwe\n\"a()\",0,'CWE-1'\n\"b()\",1,'CWE-2'\n", ["a()", "b()"]),
        ("func,label\n'a' + b,0\nb + 'a',1\n", ["'a' + b", "b + 'a'"]),
        ('func,"a|b|c|d",label\na(),2,0\nb(),3,1\n', ["a()", "b()"]),
        ('"a;b",func,"c;d;e;f;g",label\n1,a(),2,0\n1,b(),3,1\n', ["a()", "b()"]),
    ],
)
def test_csv_as_people_write_it(tmp_path: Path, text: str, codes: list[str]) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, "utf-8", newline="")
    assert [(e.codes[0], e.label) for e in read_file(path).everything()] == list(zip(codes, (0, 1), strict=True))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("layout", ["an object a line", "one array", "quotes after a backslash"])
def test_a_packed_file_is_read_like_the_file(tmp_path: Path, layout: str, pack: Callable[[bytes], bytes]) -> None:
    name, text = LAYOUTS[layout]
    suffix = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}[pack]
    path = tmp_path / f"{name}{suffix}"
    path.write_bytes(pack(text.encode()))
    assert [e.codes[0] for e in read_file(path).everything()] == [row["func"] for row in ROWS]
    path.write_bytes(pack(text.encode())[:-10])
    with pytest.raises(DataError, match=r"no whole archive .*: copy it again"):
        read_file(path)


@pytest.mark.parametrize("dictionary", [False, True])
def test_parquet_is_read_by_row(tmp_path: Path, dictionary: bool) -> None:
    frame = pd.DataFrame([{**row, "n": {"a": 1}, "cwe": ["CWE-1", "CWE-2"]} for row in ROWS])
    frame.astype({"func": "category"} if dictionary else {}).to_parquet(tmp_path / "x.parquet")
    examples = read_file(tmp_path / "x.parquet").everything()
    assert [(e.codes[0], e.label) for e in examples] == [(row["func"], row["label"]) for row in ROWS]
    assert (examples[4].origin, examples[4].group) == ("row 5", "CWE-1, CWE-2")
    FRAME.assign(func="").to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(DataError, match=r"row 1 of .* has no code in 'func' \(29 more"):
        read_file(tmp_path / "empty.parquet")


@pytest.mark.parametrize(
    "rows",
    [
        [{"sample": row, "n": 1} for row in ROWS],
        [{**row, "func": row["func"].encode()} for row in ROWS],
        [{"func": row["func"].encode(), "label": str(row["label"]).encode()} for row in ROWS],
        [{**row, "func": row["func"].splitlines(keepends=True)} for row in ROWS],
        [{**row, "func": row["func"][:-1].split("\n")} for row in ROWS],
    ],
)
def test_parquet_with_code_in_other_types(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    pd.DataFrame(rows).to_parquet(tmp_path / "x.parquet")
    wanted = [(row["func"].rstrip(), row["label"]) for row in ROWS]
    assert [(e.codes[0].rstrip(), e.label) for e in read_file(tmp_path / "x.parquet").everything()] == wanted
    (shard,) = Pool(tmp_path, Task.VULNERABILITY).shards()
    assert [code.rstrip() for (code,) in shard.codes] == [code for code, _ in wanted]


def test_a_row_without_the_row_that_others_have_within(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(lines([*({"sample": row} for row in ROWS[:4]), {"sample": None}]), "utf-8")
    assert [(row.line, row.reason) for row in inspect(path).bad] == [(5, "has no row in 'sample'")]


def test_parquet_that_cannot_be_read_as_text(tmp_path: Path) -> None:
    pd.DataFrame({"func": [b"f()", b"\xe9"], "label": [0, 1]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"row 2 of .* is not UTF-8 text \(byte 0xe9\)"):
        read_file(tmp_path / "x.parquet")
    columns = [["f()"], ["g()"], [1]]
    pyarrow.parquet.write_table(pyarrow.table(columns, names=["func", "func", "label"]), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="has two columns 'func': give each a name of its own"):
        read_file(tmp_path / "x.parquet")


@pytest.mark.parametrize("outer", [False, True])
@pytest.mark.parametrize("orient", ["records", "columns", "list", "split"])
def test_one_object_of_splits(tmp_path: Path, orient: str, outer: bool) -> None:
    path = tmp_path / "x.json"
    parts = {"train": FRAME[:20], "valid": FRAME[20:25], "test": FRAME[25:]}
    if orient == "list":
        path.write_text(json.dumps({name: part.to_dict("list") for name, part in parts.items()}), "utf-8")
    else:
        path.write_text(by_split(orient), "utf-8")
    if outer:
        path.write_text(f'{{"data": {path.read_text("utf-8")}}}', "utf-8")
    dataset = read_file(path)
    assert [dataset.size(split) for split in (Split.TRAIN, Split.VALIDATION, Split.TEST)] == [20, 5, 5]
    assert dataset.everything()[-1].origin == "row 30"


def test_a_row_that_is_alone_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"func": "f()", "label": 1, "history": [{"by": "a"}, {"by": "b"}]}), "utf-8")
    with pytest.raises(DataError, match=r"every row of .* has the label 1"):
        read_file(path)


def test_lines_are_those_of_an_editor_in_an_array(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([*ROWS[:2], {"func": " ", "label": 1}, 7, *ROWS[2:]], indent=1), "utf-8")
    assert [(row.line, row.reason) for row in inspect(path).bad] == [
        (10, "has no code in 'func'"),
        (14, "is no JSON object"),
    ]


def test_devigns_own_file_and_folders_of_it(tmp_path: Path) -> None:
    rows = [{"project": "FFmpeg", "commit_id": "0", "target": row["label"], "func": row["func"]} for row in ROWS]
    path = tmp_path / "function.json"
    path.write_text(json.dumps(rows), "utf-8")
    assert devign(path).labels == ("safe", "vulnerable") and len(devign(path).everything()) == 30
    for name, part in (("train", rows[:20]), ("valid", rows[20:25]), ("test", rows[25:])):
        (tmp_path / f"{name}.json").write_text(json.dumps(part), "utf-8")
    assert devign(tmp_path).size(Split.TRAIN) == devign(tmp_path).size(Split.UNLABELLED) == 10


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer.*lfs pull"),
        ("x.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        ("x.csv", b"/annex/objects/SHA256E-s12--0\n", "git-annex pointer.*annex get"),
        ("x.csv", b"\n<!DOCTYPE html><html>Sign in</html>", "a web page, not the file itself: download it again"),
        ("x.json", json.dumps(ROWS)[:-1].encode(), "line 1 .* ends before its list does, the file seems half-written"),
        ("x.json", json.dumps(ROWS)[:-9].encode(), "line 1 .* cannot be read, the file seems half-written"),
        ("x.csv", b"func^label\nf()^1\n", "parted by , ; | or tabs"),
        ("x.pkl", b"\x80\x04\x95", "a pickle, which is never opened"),
        ("x.db", b"SQLite format 3\0", "a database: save it as CSV"),
        ("x.pkl", b"\x80\x02]q", "a pickle, which is never opened"),
        ("x.rar", b"Rar!\x1a\x07\x00", "a RAR archive: unpack it first"),
        ("x.lz4", b'\x04"M\x18', "an LZ4 archive: unpack it first"),
        ("x.avro", b"Obj\x01\x04\x16avro.schema", "an Avro file: save it as CSV"),
        ("x.tar", TAR, "a tar archive: unpack it first"),
        ("x.tar.gz", gzip.compress(TAR, mtime=0), "a tar archive: unpack it first"),
        ("x.jsonl.gz", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), "packed twice: unpack it once"),
        ("x.parquet.gz", gzip.compress(b"PAR1", mtime=0), "a packed Parquet file: unpack it first"),
        ("x.json", repr(ROWS).encode(), "has single quotes, as Python prints its lists: write it with json.dump"),
        ("x.jsonl", "\n".join(map(repr, ROWS)).encode(), "has single quotes, as Python prints its lists"),
        ("x.json", b"const data=" + json.dumps(ROWS).encode(), "begins with 'const data=.*: remove what stands before"),
        ("x.json", FRAME.to_json(orient="values").encode(), "rows without names of columns: .* orient='records'"),
        (
            "x.json",
            json.dumps({"func": ["f()"] * 3, "label": [0, 1]}).encode(),
            "3 values in .*'func' and 2 in 'label'",
        ),
        ("x.json", b'{"a":' * 900 + b"1" + b"}" * 900, "objects within objects.*: write one object for each row"),
        ("x.jsonl", b'{"a": {"text": "f()"}}\n{"a": {"text": "g()"}}', "objects within objects.*: write one object"),
        ("x.json", b"null", "begins with 'null'.*: save the rows as JSON or CSV"),
        ("x.zst", b"(\xb5/\xfd", "a Zstandard archive: unpack it first"),
        ("x.arrow", b"ARROW1\0\0", "an Arrow file"),
        ("x.arrow", arrow_stream(), "an Arrow stream: save it as CSV or JSONL in UTF-8"),
        ("x.csv.lzma", lzma.compress(CSV, lzma.FORMAT_ALONE), "packed with LZMA: unpack it first"),
        *(("x.csv.zz", zlib.compress(CSV, level), "packed with zlib: unpack it first") for level in range(10)),
        ("x.csv.lz", b"LZIP\x01\x0c", "packed with lzip: unpack it first"),
        ("x.csv", zlib.compress(CSV)[2:], "binary data of an unknown kind, not text: save it as CSV or JSONL"),
        ("x.jsonl", random.Random(0).randbytes(999), "binary data of an unknown kind, not text"),
        ("x.json", b'{"vulnerable": ["f()"], "safe": ["g()"]}', "no column known to hold code"),
    ],
)
def test_what_is_no_table_is_named_with_the_remedy(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_file(tmp_path / name)


@pytest.mark.parametrize("name", ["x.csv", "x.txt"])
@pytest.mark.parametrize(("delimiter", "stated"), [(",", "sep=;"), (";", "sep=,"), ("\t", '"sep=;"'), (",", "SEP=\\t")])
def test_a_stated_delimiter_that_is_false_is_named(tmp_path: Path, name: str, delimiter: str, stated: str) -> None:
    (tmp_path / name).write_text(f"{stated}\n{as_csv(['func', 'label'], delimiter=delimiter)}", "utf-8", newline="")
    says = rf"line 1 of .* says {re.escape(repr(stated))}, and .* parted by {re.escape(repr(delimiter))}: remove or"
    with pytest.raises(DataError, match=says):
        read_file(tmp_path / name)


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("1.000000", "0.000000"),
        ("1e0", "0e0"),
        ("+1", "-0"),
        (1.0, 0.0),
        (True, False),
        ("TRUE", "FALSE"),
        ("Vulnerable", "Non-vulnerable"),
        ("VULNERABLE", "not vulnerable"),
        ("vulnerable", "non_vulnerable"),
        ("vuln", "nonvulnerable"),
        ("Clone", "Not clone"),
        ("not safe", "Safe"),
        ("Positive", "negative"),
    ],
)
def test_labels_in_every_form(tmp_path: Path, positive: object, negative: object) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(lines([{**row, "label": positive if row["label"] else negative} for row in ROWS]), "utf-8")
    wanted = [row["label"] for row in ROWS]
    assert [e.label for e in read_file(path).everything()] == wanted
    for word in (str(positive), str(positive).upper(), str(positive).lower()):
        assert [e.label for e in read_file(take_in(path, tmp_path, positive=word)).everything()] == wanted


@pytest.mark.parametrize(
    ("cell", "group"),
    [
        (["CWE-119"], "CWE-119"),
        ("['CWE-119', 'CWE-2']", "CWE-119, CWE-2"),
        ("[CWE-119 CWE-2]", "CWE-119, CWE-2"),
        ([], ""),
        (None, ""),
        ([None], ""),
        ("[None]", ""),
        ([["CWE-119"], [["CWE-2"], []]], "CWE-119, CWE-2"),
        ({"id": "CWE-119", "name": "Overflow"}, "CWE-119"),
        ([{"id": "CWE-119"}, {"id": "CWE-2"}], "CWE-119, CWE-2"),
        ("[{'id': 'CWE-119'}]", "CWE-119"),
    ],
)
def test_a_list_of_kinds_names_a_kind(tmp_path: Path, cell: object, group: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(lines([{**row, "cwe": cell} for row in ROWS]), "utf-8")
    assert {e.group for e in read_file(path).everything()} == {group}


def test_a_pool_reads_the_same_layouts(tmp_path: Path) -> None:
    path = tmp_path / "pool.json"
    for text in (
        json.dumps(ROWS, indent=1),
        FRAME.to_json(),
        FRAME[["func"]].to_json(),
        FRAME[["func"]].to_csv(index=False),
    ):
        path.write_text(text, "utf-8")
        (shard,) = Pool(path, Task.VULNERABILITY).shards()
        assert [codes[0] for codes in shard.codes] == [row["func"] for row in ROWS]
