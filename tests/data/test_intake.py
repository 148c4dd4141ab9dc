"""Taking in one's own files: columns, labels, bad rows, encodings, and what comes out."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from compressor_core.data.columns import Columns
from compressor_core.data.dataset import UNKNOWN, Split
from compressor_core.data.files import read_file
from compressor_core.data.intake import inspect, take_in
from compressor_core.data.lines import BadRow
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def as_csv(rows: list[list[str]], **how: Any) -> str:
    out = io.StringIO()
    csv.writer(out, **how).writerows(rows)
    return out.getvalue()


TWO = '{"func": "f()", "label": 1}\n{"func": "g()", "label": 0}\n'


class TestColumns:
    @pytest.mark.parametrize(
        ("names", "code", "label"),
        [
            (("id", "func", "target"), ("func",), "target"),
            (("Code", "Label"), ("Code",), "Label"),
            (("code1", "code2", "is_clone"), ("code1", "code2"), "is_clone"),
            (("func_2", "func_1", "y"), ("func_1", "func_2"), "y"),
            (("func", "func1", "func2", "label"), ("func1", "func2"), "label"),
            (("processed_func", "vul", "CWE ID"), ("processed_func",), "vul"),
            (("source", "func", "class"), ("func",), "class"),
            (("a", "b"), (), None),
        ],
    )
    def test_usual_names_are_known(self, names: tuple[str, ...], code: tuple[str, ...], label: str | None) -> None:
        columns = Columns().completed(names)
        assert (columns.code, columns.label) == (code, label)

    def test_what_is_given_counts_and_is_not_guessed_again(self) -> None:
        columns = Columns.parse("func=target, label=label").completed(["func", "label", "target"])
        assert (columns.code, columns.label) == (("target",), "label")
        assert Columns(label="code").completed(["code", "label"]).code == ()
        commas = Columns.parse("func=fu\nnc,label=lab\\,el\\,").completed(["fu\nnc", "lab,el,"])
        assert (commas.code, commas.label) == (("fu\nnc",), "lab,el,")
        assert Columns(func="func").completed(["func", "func1", "func2", "label"]).code == ("func",)

    @pytest.mark.parametrize("text", ["", "func", "func=", "text=code", "func=code,,label=y", "label=lab,el"])
    def test_other_texts_are_refused(self, text: str) -> None:
        with pytest.raises(DataError, match=r"NAME=COLUMN with func, func1, func2, label, .*a comma in a name as \\,$"):
            Columns.parse(text)

    def test_an_absent_column_is_named_with_those_there_are(self) -> None:
        with pytest.raises(DataError, match=r"no column 'bug': the file has the columns 'code', 'vul'"):
            Columns(label="bug").completed(["code", "vul"])


class TestInspection:
    def test_a_file_that_needs_no_word(self, tmp_path: Path) -> None:
        found = inspect(write(tmp_path / "x.jsonl", TWO))
        assert (found.rows, found.bad_count, found.missing, found.needs_positive) == (2, 0, (), False)
        assert found.labels == {"1": 1, "0": 1}
        assert [e.codes[0] for e in found.examples] == ["f()", "g()"]

    def test_what_is_missing_is_said_before_anything_is_read(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", "text,verdict\nf(),ill\ng(),well\n")
        assert inspect(path).missing == ("code", "label")
        found = inspect(path, Columns(func="text", label="verdict"))
        assert found.missing == () and found.needs_positive and found.labels == {"ill": 1, "well": 1}
        found = inspect(path, Columns(func="text", label="verdict"), "ill")
        assert [e.label for e in found.examples] == [1, 0] and found.bad_count == 0

    def test_a_stray_label_is_a_mistake_and_not_a_class(self, tmp_path: Path) -> None:
        found = inspect(write(tmp_path / "x.csv", "code,label\na(),1\nb(),0\nc(),7\n"))
        assert found.odd_labels and not found.needs_positive and [row.line for row in found.bad] == [4]

    def test_bad_rows_carry_the_line_an_editor_shows(self, tmp_path: Path) -> None:
        rows = [["code", "vul"], ['f("a\nb")', "1"], ["", "0"], ["g()", "perhaps"], ["h()", "0"], ["i()"]]
        found = inspect(write(tmp_path / "x.csv", as_csv(rows)))
        assert found.rows == 2 and found.bad_count == 3
        assert [row.line for row in found.bad] == [4, 5, 7]
        assert [row.reason.split(" in ")[0] for row in found.bad] == [
            "has no code",
            "has the label 'perhaps'",
            "has 1 columns where the first line has 2",
        ]

    def test_many_bad_rows_are_counted_and_not_all_listed(self, tmp_path: Path) -> None:
        found = inspect(write(tmp_path / "x.jsonl", TWO + "{\n" * 1000))
        assert found.bad_count == 1000 and len(found.bad) == 200


class TestCopy:
    def test_it_reads_as_what_it_was_taken_for(self, tmp_path: Path) -> None:
        text = as_csv(
            [
                ["Source", "verdict", "split", "cwe"],
                ["int f() {}", "ill", "train", "CWE-1"],
                ["int g() {}", "well", "test", ""],
            ]
        )
        path = write(tmp_path / "My functions.csv", text)
        copy = take_in(path, tmp_path / "kept", columns=Columns(label="verdict"), positive="ill", language=Language.C)
        assert copy.name.startswith("My-functions-") and copy.suffix == ".choices"
        dataset = read_file(copy)
        assert (dataset.labels, dataset.language, dataset.task) == (("well", "ill"), Language.C, Task.VULNERABILITY)
        (example,) = dataset.examples(Split.TRAIN)
        assert (example.codes, example.label, example.group) == (("int f() {}",), 1, "CWE-1")
        assert example.origin == "line 2 of My functions.csv"

    def test_the_same_content_is_kept_once_and_a_copy_is_its_own_copy(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.jsonl", TWO)
        copy = take_in(path, tmp_path)
        assert take_in(path, tmp_path) == copy
        assert take_in(copy, tmp_path).read_bytes() == copy.read_bytes()
        assert take_in(path, tmp_path, language=Language.JAVA) != copy
        assert len([kept for kept in tmp_path.glob("x-*") if kept.suffix == ".jsonl"]) == 1

    def test_what_is_said_later_adds_to_what_was_said_before(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", "text,label\na(),1\nb(),0\n,1\n")
        copy = take_in(path, tmp_path, columns=Columns(func="text"), language=Language.C, skip_bad_rows=True)
        dataset = read_file(take_in(copy, tmp_path, positive="0"))
        assert dataset.language is Language.C
        assert [(e.codes, e.label) for e in dataset.everything()] == [(("a()",), 0), (("b()",), 1)]

    @pytest.mark.parametrize("rows", ["/etc/passwd", "../secret.csv", "a/b.csv", "x.choices", ""])
    def test_choices_name_no_file_elsewhere(self, tmp_path: Path, rows: str) -> None:
        path = write(tmp_path / "x.choices", json.dumps({"rows": rows, "name": "x.csv"}))
        with pytest.raises(DataError):
            read_file(path)
        with pytest.raises(DataError):
            inspect(path)

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"rows": 1}', '{"rows": "a.csv", "name": "a", "more": 1}'])
    def test_damaged_choices_are_a_sentence(self, tmp_path: Path, content: str) -> None:
        with pytest.raises(DataError, match=r"x\.choices cannot be read"):
            read_file(write(tmp_path / "x.choices", content))

    def test_one_of_many_labels_is_positive(self, tmp_path: Path) -> None:
        text = "code,kind of flaw\na(),leak\nb(),none at all\nc(),overflow\n"
        copy = take_in(
            write(tmp_path / "x.csv", text), tmp_path, columns=Columns(label="kind of flaw"), positive="leak"
        )
        dataset = read_file(copy)
        assert [e.label for e in dataset.everything()] == [1, 0, 0]
        assert dataset.labels == ("not leak", "leak")
        with pytest.raises(DataError, match=r"no row of .* has the label 'leek': its labels are 'leak', 'none"):
            take_in(tmp_path / "x.csv", tmp_path, columns=Columns(label="kind of flaw"), positive="leek")

    def test_pairs(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", "code1;code2;clone\na();b();yes\na();c();no\n")
        dataset = read_file(take_in(path, tmp_path))
        assert dataset.task is Task.CLONE and dataset.labels == ("no", "yes")
        assert dataset.everything()[0].codes == ("a()", "b()")

    def test_bad_rows_are_skipped_only_if_that_is_wanted(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.jsonl", TWO + '{"func": "", "label": 1}\n{"func": "h()"}\n')
        with pytest.raises(DataError, match=r"line 3 of .* has no code in 'func' \(1 more"):
            take_in(path, tmp_path / "kept")
        assert not (tmp_path / "kept").exists()
        assert len(read_file(take_in(path, tmp_path / "kept", skip_bad_rows=True)).rows) == 2

    def test_nothing_but_bad_rows(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"line 1 of .* cannot be read"):
            take_in(write(tmp_path / "x.jsonl", "{\n{\n"), tmp_path, skip_bad_rows=True)

    def test_one_class_only(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", "code,label\na(),safe\nb(),safe\n")
        with pytest.raises(DataError, match=r"every row of .* has the label safe: both classes"):
            take_in(path, tmp_path)

    def test_code_without_labels_can_be_the_students(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", "func,label,split\na(),1,train\nb(),0,train\nc(),,unlabelled\nd(),,test\n")
        assert [row.line for row in inspect(path).bad] == [5]
        dataset = read_file(take_in(path, tmp_path, skip_bad_rows=True))
        assert [e.label for e in dataset.examples(Split.UNLABELLED)] == [UNKNOWN]
        assert len(dataset.everything()) == 2


class TestDifficultFiles:
    @pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
    def test_nan_is_an_empty_cell(self, tmp_path: Path, name: str) -> None:
        """As pandas writes it in the place of null."""
        nan = {"split": math.nan, "group": math.nan, "origin": math.nan, "label_name": math.nan, "language": math.nan}
        rows = [{"func": f"f({n})", "label": n % 2, **(nan if n else {"split": "test"})} for n in range(4)]
        if name == "x.csv":
            pd.DataFrame(rows).to_csv(tmp_path / name, index=False, na_rep="nan", columns=["func", "label", "split"])
        else:
            (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        dataset = read_file(tmp_path / name)
        assert len(dataset.rows) == 4 and dataset.size(Split.TEST) >= 1
        assert dataset.labels == ("0", "1") and {example.group for example in dataset.everything()} == {""}
        start = 2 if name == "x.csv" else 1
        assert [e.origin for e in dataset.everything()] == [f"line {n + start}" for n in range(4)]

    @pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_marks_and_line_ends_change_nothing(self, tmp_path: Path, name: str, encoding: str, end: str) -> None:
        text = TWO if name == "x.jsonl" else "func,label\nf(),1\ng(),0\n"
        dataset = read_file(write(tmp_path / name, text.replace("\n", end), encoding))
        assert [(e.codes, e.label) for e in dataset.everything()] == [(("f()",), 1), (("g()",), 0)]

    def test_the_same_function_from_windows_is_the_same(self, tmp_path: Path) -> None:
        rows = [["func", "label"], ["f(\n)", "1"], ["g(\n)", "0"]]
        ours = read_file(write(tmp_path / "a.csv", as_csv(rows)))
        theirs = read_file(write(tmp_path / "b.csv", as_csv(rows).replace("\r\n", "\n").replace("\n", "\r\n")))
        assert [e.codes for e in ours.everything()] == [e.codes for e in theirs.everything()]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16_is_named_with_the_remedy(self, tmp_path: Path, encoding: str) -> None:
        with pytest.raises(DataError, match="UTF-16 or binary, not UTF-8 text: save it as CSV or JSONL in UTF-8"):
            inspect(write(tmp_path / "x.csv", "func,label\nf(),1\n", encoding))

    @pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
    def test_latin_1_is_told_by_line(self, tmp_path: Path, name: str) -> None:
        text = TWO + '{"func": "f() // déjà", "label": 1}\n'
        if name == "x.csv":
            text = "func,label\nf(),1\nf() // déjà,1\n"
        found = inspect(write(tmp_path / name, text, "latin-1"))
        assert [row.line for row in found.bad] == [3]
        assert "not UTF-8 text (byte 0xe9)" in found.bad[0].reason and "Latin-1" in found.bad[0].reason

    @pytest.mark.parametrize(
        ("start", "says"), [(b"PK\x03\x04", "Excel"), (b"\x1f\x8b\x08", "no whole archive"), (b"PAR1", "Parquet")]
    )
    def test_other_kinds_of_files_are_named(self, tmp_path: Path, start: bytes, says: str) -> None:
        (tmp_path / "x.csv").write_bytes(start + b"func,label")
        with pytest.raises(DataError, match=says):
            inspect(tmp_path / "x.csv")

    @pytest.mark.parametrize(
        "line",
        ['{"func": "f(\0)", "label": 1}', '{"func": "f(\\u0000)", "label": 1}', '{"func": "\\ud83d", "label": 1}'],
    )
    def test_characters_that_are_none(self, tmp_path: Path, line: str) -> None:
        (bad,) = inspect(write(tmp_path / "x.jsonl", TWO + line)).bad
        assert bad.line == 3 and ("NUL" in bad.reason or "surrogate" in bad.reason)

    def test_a_nul_in_a_csv(self, tmp_path: Path) -> None:
        (bad,) = inspect(write(tmp_path / "x.csv", "func,label\nf(\0),1\ng(),0\n")).bad
        assert bad.line == 2 and "NUL" in bad.reason

    def test_a_function_of_100_000_tokens(self, tmp_path: Path) -> None:
        long = "int f() {\n" + "x = x + 1;\n" * 20_000 + "}"
        for path in (
            write(tmp_path / "x.csv", as_csv([["func", "label"], [long, "1"], ["g()", "0"]])),
            write(tmp_path / "x.jsonl", TWO + json.dumps({"func": long, "label": 1})),
        ):
            dataset = read_file(take_in(path, tmp_path))
            assert max((e.codes[0] for e in dataset.everything()), key=len) == long

    def test_a_quote_that_is_never_closed(self, tmp_path: Path) -> None:
        (bad,) = inspect(write(tmp_path / "x.csv", 'func,label\nf(),1\ng(),0\n"h(),1\ni(),1\n')).bad
        assert bad == BadRow(4, "cannot be read, a quote is never closed")

    def test_a_header_that_names_a_column_twice(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="two columns 'func'"):
            inspect(write(tmp_path / "x.csv", "func,func,label\na,b,1\n"))

    @pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
    def test_an_empty_file(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path / name, "")
        assert inspect(path).names == ()
        with pytest.raises(DataError, match="is empty"):
            take_in(path, tmp_path)

    def test_reading_takes_a_second_for_5_megabytes(self, tmp_path: Path) -> None:
        body = "int f() {\n" + "    total = total + values[index];\n" * 100 + "}"
        with (tmp_path / "x.jsonl").open("w") as file:
            for number in range(5_000):
                file.write(json.dumps({"func": f"// {number}\n{body}"[:1_000], "label": number % 2}) + "\n")
        started = time.process_time()
        assert inspect(tmp_path / "x.jsonl").rows == 5_000
        take_in(tmp_path / "x.jsonl", tmp_path)
        assert time.process_time() - started < 5
