"""The same function with other names: it means what it meant, for the parser, the data flow and Python's own tables."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import difflib
import json
import random
import re
import symtable
import textwrap
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from compressor_core.data.renaming import NAMES, rename, rename_example, vocabulary
from compressor_core.dataflow import extract
from compressor_core.dataflow.syntax import parser
from compressor_core.language import Language

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
WORD = re.compile(r"\w+")

C = "int f(int n, char *s) { /* n */ int i = n; for (; i < s->n; i++) g(i, \"n\", 'n'); return i; } // i"
JAVA = "int f(int n, S s) { int i = n; for (; i < s.n; i++) g(i, \"n\", 'n'); return s.i(i); } // i"
PYTHON = 'def f(n, s):\n    """About n."""\n    for i in n:  # i\n        g(i, "n", n=s.n)\n    return f"n {i}"\n'
CODES = {Language.C: C, Language.JAVA: JAVA, Language.PYTHON: PYTHON}


def shared(path: str) -> list[str]:
    if not (SHARED / path).is_file():
        pytest.skip(f"../shared/data/{path} is not beside this checkout")
    return [json.loads(line)["func"] for line in (SHARED / path).read_text("utf-8").splitlines()]


def functions(*modules: ModuleType) -> list[str]:
    """Every function of these modules that compiles by itself, as it is written there."""
    found = []
    for module in modules:
        lines = Path(str(module.__file__)).read_text("utf-8").splitlines(keepends=True)
        for node in ast.walk(ast.parse("".join(lines))):
            if isinstance(node, ast.FunctionDef) and not isinstance(node.body[0], ast.Nonlocal):
                found.append(textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno])))
    return found


def back(code: str, renamed: str) -> dict[str, str]:
    """Old names by new ones, which tell the code from what it became: one to one, and nothing else has changed."""
    old, new = WORD.findall(code), WORD.findall(renamed)
    assert len(old) == len(new)
    names = {after: before for before, after in zip(old, new, strict=True) if before != after}
    assert names and len(set(names.values())) == len(names)
    assert names.keys().isdisjoint(old), "a new name is a word of the code"
    assert WORD.sub(lambda word: names.get(word[0], word[0]), renamed) == code
    return names


def check(code: str, renamed: str, language: Language) -> None:
    """The tree is the same, and so is the data flow, edge by edge, under a bijection of names."""
    names = back(code, renamed)
    tree, again = (str(parser(language).parse(text.encode()).root_node) for text in (code, renamed))
    assert tree == again
    before, after = extract(code, language), extract(renamed, language)
    assert [(node.token, node.edges) for node in before.nodes] == [(node.token, node.edges) for node in after.nodes]
    assert [node.name for node in before.nodes] == [names.get(node.name, node.name) for node in after.nodes]
    assert len(before.tokens) == len(after.tokens)


def tables(code: str, names: Mapping[str, str]) -> list[tuple[str, list[tuple[str | bool, ...]]]]:
    """What the compiler knows of every name in every scope; names are told by `names`."""
    found: list[tuple[str, list[tuple[str | bool, ...]]]] = []
    waiting = [symtable.symtable(code, "code", "exec")]
    while waiting:
        table = waiting.pop()
        known: list[tuple[str | bool, ...]] = [
            (
                *(names.get(name.get_name(), name.get_name()), name.is_parameter(), name.is_local(), name.is_free()),
                *(name.is_global(), name.is_assigned(), name.is_referenced(), name.is_imported()),
            )
            for name in table.get_symbols()
        ]
        found.append((table.get_type(), sorted(known)))
        waiting += table.get_children()
    return found


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            Language.C,
            "int f(int N, char *S) { /* n */ int I = N; for (; I < S->n; I++) g(I, \"n\", 'n'); return I; } // i",
        ),
        (Language.JAVA, "int f(int N, S S) { int I = N; for (; I < S.n; I++) g(I, \"n\", 'n'); return S.i(I); } // i"),
        (
            Language.PYTHON,
            'def f(n, S):\n    """About n."""\n    for I in n:  # i\n        g(I, "n", n=S.n)\n    return f"n {I}"\n',
        ),
    ],
)
def test_own_names_change_and_nothing_else(language: Language, expected: str) -> None:
    code = CODES[language]
    renamed = rename(code, language, random.Random(0))
    assert renamed is not None
    names = {after: before.upper() for after, before in back(code, renamed).items()}
    assert WORD.sub(lambda word: names.get(word[0], word[0]), renamed) == expected


@pytest.mark.parametrize("language", list(Language))
def test_the_same_draw_gives_the_same_names(language: Language) -> None:
    drawn = [rename(CODES[language], language, random.Random(seed)) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1] and len(set(drawn)) == 3


@pytest.mark.parametrize("language", list(Language))
def test_new_names_are_names_of_the_vocabulary_and_no_words_of_the_code(language: Language) -> None:
    for seed in range(50):
        renamed = rename(CODES[language], language, random.Random(seed))
        assert renamed is not None
        assert back(CODES[language], renamed).keys() <= set(NAMES[language])
    assert len(set(NAMES[language])) == len(NAMES[language]) > 150
    code = CODES[language]
    only = ("g", "f", "s", "n", "other")  # all but one are in the code, be it as a function, a field or a text
    renamed = rename(code, language, random.Random(0), only)
    assert renamed is not None
    assert {"other"} < back(code, renamed).keys() <= {"other", *(f"{name}2" for name in only)}


@pytest.mark.parametrize("language", list(Language))
def test_every_name_of_a_vocabulary_is_a_name(language: Language) -> None:
    for name in NAMES[language]:
        renamed = rename(CODES[language], language, random.Random(0), [name])
        assert renamed is not None
        check(CODES[language], renamed, language)


def test_more_names_than_the_vocabulary_has() -> None:
    code = "int f(void) { int " + ", ".join(f"old_{n} = {n}" for n in range(1_000)) + "; }"
    renamed = rename(code, Language.C, random.Random(0))
    assert renamed is not None
    assert len(back(code, renamed)) == 1_000
    check(code, renamed, Language.C)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("text", ["", "(" * 5_000, "No code, and no code.", "x = \ud800", "f(); g();"])
def test_what_has_no_names_to_change(language: Language, text: str) -> None:
    assert rename(text, language, random.Random(0)) is None


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ["größe", "变量"])
def test_other_letters_and_line_ends_stay(newline: str, text: str) -> None:
    code = f"int f(int {text}){newline}{{{newline}  g('\ud800', \"…🙂\");{newline}  return {text};{newline}}}"
    renamed = rename(code, Language.C, random.Random(0))
    assert renamed is not None and renamed == code.replace(text, next(iter(back(code, renamed))))


def test_functions_of_devign_keep_their_tree_and_their_data_flow() -> None:
    codes = shared("devign/sample.jsonl")[:500]
    rng = random.Random(0)
    renamed = [(code, new) for code in codes if (new := rename(code, Language.C, rng))]
    assert len(renamed) > 0.93 * len(codes)
    for code, new in renamed:
        check(code, new, Language.C)


def test_functions_of_bigclonebench_keep_their_tree_and_their_data_flow() -> None:
    codes = shared("bigclonebench/data.jsonl")
    rng = random.Random(0)
    renamed = [(code, new) for code in codes if (new := rename(code, Language.JAVA, rng))]
    assert len(renamed) > 0.98 * len(codes)
    for code, new in renamed:
        check(code, new, Language.JAVA)


def test_python_functions_mean_what_they_meant() -> None:
    codes = functions(argparse, dataclasses, difflib, textwrap, ast)
    rng = random.Random(0)
    renamed = [(code, new) for code in codes if (new := rename(code, Language.PYTHON, rng))]
    assert len(codes) > 250 and len(renamed) > 0.6 * len(codes)  # most of the others have no name but self
    for code, new in renamed:
        check(code, new, Language.PYTHON)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes that are not ours to report
            assert tables(new, back(code, new)) == tables(code, {})
            compile(new, "renamed", "exec")


def test_a_renamed_python_function_computes_what_it_did() -> None:
    code = "def f(items, *, start=0):\n    total = start\n    for x in items:\n        total += x\n    return total\n"
    renamed = rename(code, Language.PYTHON, random.Random(0))
    assert renamed is not None and "total" not in renamed
    scope: dict[str, object] = {}
    exec(renamed, scope)
    assert callable(scope["f"]) and scope["f"]([1, 2, 3]) == 6


def test_a_pair_is_renamed_one_by_one() -> None:
    both = rename_example((C, C), Language.C, random.Random(0))
    assert both is not None and len({C, *both}) == 3
    for renamed in both:
        check(C, renamed, Language.C)
    nothing = "int f(void) { return 0; }"
    one = rename_example((nothing, C), Language.C, random.Random(0))
    assert one is not None and one[0] == nothing and one[1] != C
    assert rename_example((nothing, nothing), Language.C, random.Random(0)) is None


def test_a_vocabulary_of_other_functions() -> None:
    codes = ["def f(common, rare): pass", "def g(common, type): pass", "def common(x): y = x", "def h(self): a.b()"]
    assert vocabulary(codes, Language.PYTHON) == ("common", "rare", "x", "y")
