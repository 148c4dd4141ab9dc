"""Arbitrary code: data flow, renaming, rewriting, layout, and what is computed of its lines."""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compressor_core.data.clones import shape, tokens
from compressor_core.data.renaming import rename, rename_example, vocabulary
from compressor_core.data.rewriting import CloneType, layout, rewrite
from compressor_core.dataflow import extract
from compressor_core.dataflow.own import own_names
from compressor_core.dataflow.syntax import LONGEST
from compressor_core.evaluate.attribution import line_scores
from compressor_core.language import Language
from tests.fuzz.programs import python_functions, texts_like_code
from tests.fuzz.values import cheap, texts

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")  # Python has its doubts about what is drawn here
languages = st.sampled_from(list(Language))
anything = st.one_of(*texts_like_code.values()) | python_functions() | texts | st.text(max_size=200)
NESTED = (
    "(" * 5000,
    "{" * 9000,
    "[a" * 3000,
    "if(a)" * 3000,
    "f'{" * 500,
    "def f(a):\n" + " a=a\n" * 3000,
    "a->" * 8000,
    "-" * 9000,
)
GENEROUS = tuple(
    [
        "a",
        "b",
        "c",
        "d",
        "e",
        "g",
        "h",
        "i",
        "j",
        "k",
        "l",
        "m",
        "n",
        "o",
        "p",
        "q",
        "r",
        "s",
        "t",
        "u",
        "v",
        "w",
        "x",
        "y",
        "z",
    ]
)


def nested(*more: int) -> Callable[[Any], Any]:
    """What nests as deep as somebody may paste it, in each language, as explicit examples."""

    def decorated(test: Any) -> Any:
        for code in NESTED:
            for language in Language:
                test = example(code, language, *more)(test)
        return test

    return decorated


@given(anything, languages)
@nested()
@example("\ud800 = 1", Language.PYTHON)
@example("\0a = 1;", Language.C)
def test_data_flow(code: str, language: Language) -> None:
    found = extract(code, language)
    last = 0
    for token in found.tokens:
        assert last <= token.start < token.end <= len(code)
        last = token.end
        assert language is Language.PYTHON or token.text == code[token.start : token.end]
    for at, node in enumerate(found.nodes):
        assert 0 <= node.token < len(found.tokens)
        assert all(0 <= edge.source < len(found.nodes) for edge in node.edges)
        assert at == 0 or found.nodes[at - 1].token < node.token


@given(anything, languages, st.integers(0, 9))
@nested(0)
def test_renaming(code: str, language: Language, seed: int) -> None:
    found = rename(code, language, random.Random(seed))
    own = own_names(code, language)
    assert (found is None) or bool(own.positions)
    if found is None:
        return
    before, after = extract(code, language), extract(found, language)
    assert [node.token for node in before.nodes] == [node.token for node in after.nodes]
    assert [[e.source for e in node.edges] for node in before.nodes] == [
        [e.source for e in node.edges] for node in after.nodes
    ]
    assert len(before.tokens) == len(after.tokens)
    changed = {(b.text, a.text) for b, a in zip(before.tokens, after.tokens, strict=True) if b.text != a.text}
    plain = {pair for pair in changed if pair[0].isidentifier()}
    assert len(plain) == len({a for a, _ in plain}) == len({b for _, b in plain})


@given(python_functions(), st.integers(0, 9))
def test_renaming_keeps_the_shape_of_python(code: str, seed: int) -> None:
    found = rename(code, Language.PYTHON, random.Random(seed))
    if found is None:
        return
    assert kinds(found) == kinds(code)
    compile(found, "renamed", "exec")
    back = [name for name in ast.walk(ast.parse(found)) if isinstance(name, ast.Name)]
    names = [name for name in ast.walk(ast.parse(code)) if isinstance(name, ast.Name)]
    pairs = {(a.id, b.id) for a, b in zip(names, back, strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}), "one name became two"


@given(st.lists(anything, min_size=1, max_size=2).map(tuple), languages, st.integers(0, 3))
def test_renaming_an_example(codes: tuple[str, ...], language: Language, seed: int) -> None:
    found = rename_example(codes, language, random.Random(seed), vocabulary(codes, language))
    assert found is None or (len(found) == len(codes) and found != codes)


@given(python_functions(), st.sampled_from(list(CloneType)), st.integers(0, 99), st.booleans())
def test_rewriting(code: str, kind: CloneType, seed: int, outer: bool) -> None:
    again = rewrite(code, kind, random.Random(seed), GENEROUS, outer=float(outer))
    assert again == rewrite(code, kind, random.Random(seed), GENEROUS, outer=float(outer))
    tree = ast.parse(again)
    assert len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef)
    if kind is CloneType.TYPE_1:
        assert ast.dump(tree) == ast.dump(ast.parse(code))
    if kind is CloneType.TYPE_2:
        assert kinds(again) == kinds(code)


@given(python_functions(), st.integers(0, 99))
def test_layout(code: str, seed: int) -> None:
    assert ast.dump(ast.parse(layout(code, random.Random(seed)))) == ast.dump(ast.parse(code))


@given(python_functions() | texts)
def test_shape_and_tokens(code: str) -> None:
    assert tokens(code) <= set(code) | set(re.findall(r"\w+", code))
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):
        return
    assert shape(code) == shape(ast.unparse(ast.parse(code)))


@cheap(4)
@given(st.text(st.sampled_from("\n\r\v\f\x1c\u2028 ab"), max_size=40), st.data())
def test_scores_of_lines(code: str, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, max(len(code) - 1, 0)), max_size=6 if code else 0))
    found = line_scores(code, places, [1.0] * len(places))
    assert len(found) == len(code.splitlines())
    assert sum(score for score in found if score) == len(places)


def test_code_beyond_what_is_parsed_has_tokens_and_no_flow() -> None:
    long = "int f(int a) { return a; }\n" * (LONGEST // 20)
    found = extract(long, Language.C)
    assert found.tokens and not found.nodes


def kinds(code: str) -> Counter[str]:
    """How often each kind of node stands in a syntax tree."""
    return Counter(type(node).__name__ for node in ast.walk(ast.parse(code)))
