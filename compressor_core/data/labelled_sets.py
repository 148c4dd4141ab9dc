"""Published labelled datasets that the user provides: OWASP Benchmark, SVEN and Juliet, in their original layouts.

None is redistributed. Text that reveals the label is removed, and related examples stay in one split.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from compressor_core.data.dataset import Example, Split, share_of
from compressor_core.data.files import FileDataset
from compressor_core.data.json_rows import json_objects
from compressor_core.data.lines import BadRow, bad_rows, text_lines
from compressor_core.data.stripping import nodes, parsed, without_comments, without_names
from compressor_core.data.tables import check
from compressor_core.errors import DataError
from compressor_core.files import checked_path
from compressor_core.language import Language

_LABELS = ("safe", "vulnerable")
_SUFFIXES: Final = {Language.PYTHON: (".py",), Language.JAVA: (".java",), Language.C: (".c", ".h", ".cc", ".cpp")}
_CASE = re.compile(r"BenchmarkTest\d+")
_OF_OWASP = re.compile(r"(?:[\w-]+/)*(?<!\w)[a-z]+-\d\d/name1\b|(?<!\w)name1\b")
_JULIET_FILE = re.compile(r"(CWE(\d+)_.+?)_(\d\d)(?:_(?:bad|good\w*))?([a-z]?)\.c")
_TELLING = re.compile(r"\w*(?:good|bad|Good|Bad|GOOD|BAD|CWE\d+)\w*")


def owasp(folder: Path | str, language: Language) -> FileDataset:
    """OWASP Benchmark for Java or for Python: a checkout with `expectedresults-*.csv` and one file per test case.

    Removed from each case are comments, licence, package and imports; the method that only shows the page (`doGet`,
    `…_get`); and its number and category, which occur in names and URLs. All cases are for testing.

    Source: https://owasp.org/www-project-benchmark, GPL; 2,740 cases in version 1.2 for Java.

    Raises:
        DataError: the expected results, or all of their cases, are missing.
    """
    folder = checked_path(Path(folder))
    expected = sorted(folder.rglob("expectedresults-*.csv"))
    if not expected:
        raise DataError(f"{folder} has no expectedresults-*.csv: give a checkout of OWASP Benchmark")
    paths = {path.stem: path for suffix in _SUFFIXES[language] for path in folder.rglob(f"BenchmarkTest*{suffix}")}
    clean = _java_case if language is Language.JAVA else _python_case
    rows, missing = [], 0
    for cells in csv.reader(line for _, line in text_lines(expected[-1])):
        if len(cells) < 4 or cells[0].startswith("#"):
            continue
        name, _, real, cwe = (cell.strip() for cell in cells[:4])
        if name not in paths:
            missing += 1
            continue
        code = _OF_OWASP.sub("case", without_names(clean(paths[name].read_text("utf-8", "replace")), _CASE))
        rows.append((Split.TEST, Example((code,), int(real.lower() == "true"), f"CWE-{cwe}", name)))
    if not rows:
        raise DataError(f"{folder} has no test case of {expected[-1].name} in {language}: give the whole checkout")
    notes = (f"{missing:,} cases of {expected[-1].name} have no file and are left out.",) if missing else ()
    return _dataset(folder, f"owasp-{language}", rows, language, notes)


def sven(folder: Path | str, language: Language) -> FileDataset:
    """SVEN's pairs in Python or in C: its folder `data_train_val`, or a parent folder, with `train` and `val`.

    Before is unsafe, after is safe; both functions of a pair are in one split. `val` is the test split, and a tenth of
    `train`, selected by commit, is the validation split.

    Source: He and Vechev, CCS 2023, arXiv 2302.05319, https://github.com/eth-sri/sven.

    Raises:
        DataError: there are no pairs in that language, or a row cannot be read.
    """
    folder = checked_path(Path(folder))
    rows = []
    for path in sorted(folder.rglob("*/cwe-*.jsonl")):
        if path.parent.name not in ("train", "val"):
            continue
        for entry in json_objects(path):
            if isinstance(entry, BadRow):
                raise bad_rows(path, [entry])
            line, row = entry
            if not isinstance(row.get("func_src_before"), str) or not isinstance(row.get("func_src_after"), str):
                raise bad_rows(path, [BadRow(line, "has no func_src_before and func_src_after")])
            if not str(row.get("file_name", "")).endswith(_SUFFIXES[language]):
                continue
            split = Split.TEST
            commit = str(row.get("commit_link", "")) or row["func_src_before"]
            if path.parent.name == "train":
                split = Split.VALIDATION if share_of(commit) < 0.1 else Split.TRAIN
            group, origin = path.stem.upper().replace("-0", "-"), f"{path.name}, line {line}"
            rows.append((split, Example((row["func_src_before"],), 1, group, f"{origin}, before")))
            rows.append((split, Example((row["func_src_after"],), 0, group, f"{origin}, after")))
    if not rows:
        raise DataError(f"{folder} has no pairs of SVEN in {language}: give its folder data_train_val")
    return _dataset(folder, f"sven-{language}", rows, language)


def juliet(folder: Path | str) -> FileDataset:
    """Juliet 1.3 for C: a folder with its files `CWE…_NN.c`.

    Only functions that contain the flaw themselves are read: from test cases in a single file, those that call no other
    function of the file. Comments are removed, and `static`, which only good functions have; names that contain bad,
    good or CWE become `name1`, `name2`, …. Functions that then occur with both labels are left out, and duplicates are
    removed. All variants of one template are in one split, 80/10/10.

    Source: NIST SARD, https://samate.nist.gov/SARD/test-suites/112, public domain.

    Raises:
        DataError: there is no such file.
    """
    folder = checked_path(Path(folder))
    found: dict[str, tuple[Split, Example]] = {}
    both: set[str] = set()
    for path in sorted(folder.rglob("CWE*.c")):
        named = _JULIET_FILE.fullmatch(path.name)
        if named is None or named[4]:  # a letter: one test case in several files
            continue
        share = share_of(named[1])
        split = Split.TRAIN if share < 0.8 else Split.VALIDATION if share < 0.9 else Split.TEST
        for name, code in _functions(without_comments(path.read_text("utf-8", "replace"), Language.C)):
            if (label := _label_of(name)) is None:
                continue
            plain = without_names(code, _TELLING)
            if plain in found and found[plain][1].label != label:
                both.add(plain)
            found.setdefault(plain, (split, Example((plain,), label, f"CWE-{named[2]}", f"{path.name}, {name}")))
    rows = [row for code, row in found.items() if code not in both]
    if not rows:
        raise DataError(f"{folder} has no test case of Juliet in one file of C: give its folder testcases")
    note = f"{len(both):,} functions are left out: without names and comments they have both labels."
    return _dataset(folder, "juliet", rows, Language.C, (note,) if both else ())


def _dataset(
    folder: Path, name: str, rows: Sequence[tuple[Split, Example]], language: Language, notes: tuple[str, ...] = ()
) -> FileDataset:
    check(folder, {example.label: _LABELS[example.label] for _, example in rows})
    return FileDataset(folder, name, tuple(rows), _LABELS, language, published=True, notes=notes)


def _python_case(source: str) -> str:
    """Functions of a test case, as written by `ast.unparse`, without comments."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise DataError(
            f"a test case is invalid Python ({error.msg}, line {error.lineno}): restore the checkout"
        ) from error
    body = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node in body:
        node.body = [
            inner for inner in node.body if not (isinstance(inner, ast.FunctionDef) and inner.name.endswith("_get"))
        ] or [ast.Pass()]
    return "\n\n".join(map(ast.unparse, body))


def _java_case(source: str) -> str:
    """Members of the class, without `doGet` and the serial number."""
    code = without_comments(source, Language.JAVA)
    text, kept = code.encode("utf-8", "replace"), []
    for body in nodes(parsed(code, Language.JAVA), "class_body"):
        for member in body.named_children:
            name = member.child_by_field_name("name")
            shown = text[member.start_byte : member.end_byte].decode("utf-8", "replace")
            if "serialVersionUID" not in shown and (name is None or name.text != b"doGet"):
                kept.append(shown)
    return "\n\n".join(kept)


def _functions(code: str) -> Iterator[tuple[str, str]]:
    """Name and code of the functions of a C file that call no other function of it."""
    text = code.encode("utf-8", "replace")
    found = {}
    for node in nodes(parsed(code, Language.C), "function_definition"):
        declared = next(nodes(node, "function_declarator"), None)
        name = declared.child_by_field_name("declarator") if declared is not None else None
        if name is not None and name.text is not None:
            own = text[node.start_byte : node.end_byte].decode("utf-8", "replace")
            found[name.text.decode("utf-8", "replace")] = own.removeprefix("static ")
    for called, own in found.items():
        if not (set(re.findall(r"\w+", own)) - {called}) & found.keys():
            yield called, own


def _label_of(name: str) -> int | None:
    """1 for a flawed function, 0 for a fixed one, None for `main` and other functions without a label of their own."""
    last = name.rsplit("_", 1)[-1]
    if last == "bad":
        return 1
    return 0 if re.fullmatch(r"good(?:\d+|G2B\d*|B2G\d*)", last) else None
