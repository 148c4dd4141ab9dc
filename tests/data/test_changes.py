"""Changes that keep a label: the code still compiles, does what it did, and keeps the tokens or the tree it must."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import difflib
import inspect
import io
import logging
import random
import shutil
import statistics
import string
import subprocess
import tarfile
import textwrap
import tokenize
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compressor_core.data.changes import CHANGES, Change, change, change_example, changes_for
from compressor_core.data.changes.python import parsed
from compressor_core.dataflow.syntax import COMMENTS, parser
from compressor_core.errors import SettingsError
from compressor_core.language import Language
from tests.data.test_renaming import functions, shared

PYTHON = [change for change in CHANGES.values() if Language.PYTHON in change.languages]
BRACES = [change for change in CHANGES.values() if Language.C in change.languages and change.name != "rename"]
SAME_TREE = ("quotes", "reformat", "comments")
"""What changes nothing that the parser sees."""


@pytest.fixture(scope="module")
def library() -> list[str]:
    """Real functions of the standard library."""
    modules = (argparse, ast, dataclasses, difflib, inspect, logging, shutil, statistics, string, subprocess)
    return functions(*modules, tarfile, textwrap, zipfile)


def applied(change: Change, codes: list[str], language: Language) -> Iterator[tuple[str, str]]:
    rng = random.Random(0)
    for code in codes:
        changed = change.apply(code, language, rng)
        if changed is not None:
            assert changed != code
            yield code, changed


@pytest.mark.parametrize("change", PYTHON, ids=lambda change: change.name)
def test_real_functions_still_compile(change: Change, library: list[str]) -> None:
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code, changed in applied(change, library, Language.PYTHON):
            count += 1
            compile(changed, "changed", "exec")
            if change.name in SAME_TREE:
                assert ast.dump(ast.parse(changed)) == ast.dump(ast.parse(code))
    expected = {"strings": 100, "reorder": 80, "keywords": 30, "hoist": 150, "alias": 15}.get(change.name, 500)
    assert count > expected


def python_tokens(code: str) -> list[str]:
    apart = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    return [token.string for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type not in apart]


def test_layout_keeps_every_token(library: list[str]) -> None:
    for name in ("reformat", "comments"):
        for code, changed in applied(CHANGES[name], library, Language.PYTHON):
            assert python_tokens(changed) == python_tokens(code)
            assert name == "reformat" or len(changed) > len(code)


FUNCTIONS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "greet": (
        '''
def greet(name, count=2, *, mark='!'):
    """Greet somebody."""
    import string as s
    from os import path as where, sep
    first = 'Dear'
    last = mark
    text = f'{first} {name}, {count:>3} {name!r}'
    other = "%s and %s: 100%%" % (name, count)
    third = first + ' ' + str(count) + "'" + last
    fourth = "{} or {b}{{}}".format(name, b=count)
    joined = where.join('a', str(count))
    print(third, sep='; ', end=mark)
    return [text, other, third, fourth, joined + sep, s.capwords(' '.join(reversed(text.split(' '))))]
''',
        [("Ann",), ("{x}", 3), ("100%", 4)],
    ),
    "total": (
        """
def total(items, start=0):
    result = start
    seen = set()
    low = None
    for index, item in enumerate(sorted(items, key=lambda each: -each, reverse=False)):
        if item in seen:
            continue
        elif item < 0:
            low = item if low is None else min(low, item)
        else:
            seen.add(abs(item))
            result += item * (index + 1)
    try:
        ratio = round(result / len(seen), ndigits=2)
    except ZeroDivisionError:
        ratio = None
    return result, low, ratio
""",
        [([3, 1, 2],), ([],), ([-1, -1, 5], 7)],
    ),
    "walk": (
        """
def walk(tree, depth=3, **options):
    lines = []
    prefix, more = options.get('prefix', '- '), dict(b=1, a=2)
    def visit(node, level):
        if level >= depth:
            return
        lines.append('%s%s' % (prefix * level, node))
        for child in tree.get(node, ()):
            visit(child, level + 1)
    visit(max(tree), 0)
    while lines and not lines[-1]:
        lines.pop()
    text = '''a
  b''' + str(more)
    print(*lines, sep='; ', end='|')
    return lines, list(more), text
""",
        [({"a": "bc", "b": "d"},), ({"x": "yz", "y": "w"}, 2)],
    ),
}
"""Pure functions with arguments."""


def outcome(code: str, name: str, arguments: tuple[Any, ...], capsys: pytest.CaptureFixture[str]) -> object:
    scope: dict[str, Any] = {}
    exec(code, scope)
    function: Callable[..., object] = scope[name]
    returned = function(*arguments)
    return returned, capsys.readouterr().out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_do_what_they_did(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, arguments = FUNCTIONS[name]
    before = [outcome(code, name, given, capsys) for given in arguments]
    kinds = set()
    for seed in range(12):
        rng = random.Random(seed)
        changes = [(each.name, each.apply(code, Language.PYTHON, rng)) for each in PYTHON]
        together, names = change(code, Language.PYTHON, rng, PYTHON, most=5)
        assert len(names) == 5
        for kind, changed in [*changes, ("together", together)]:
            if changed is not None:
                kinds.add(kind)
                assert [outcome(changed, name, given, capsys) for given in arguments] == before, changed
    assert len(kinds) >= 8 and (name != "greet" or kinds == {*CHANGES, "together"})


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("quotes", "def f():\n    return 'a' + \"b\" + 'c\"'", 'def f():\n    return "a" + \'b\' + "c\\""'),
        ("quotes", "def f(a):\n    return f\"x = '{a}'\"", "def f(a):\n    return f'x = \\'{a}\\''"),
        ("quotes", "def f():\n    return 'it\\'s \"so\"'", 'def f():\n    return "it\'s \\"so\\""'),
        ("keywords", "def f():\n    g(a=1, b=x)", "def f():\n    g(b=x, a=1)"),
        ("reorder", "def f():\n    a = 1\n    b = 2", "def f():\n    b = 2\n    a = 1"),
        ("hints", "def f(a: int, b: str = '') -> str:\n    '''T'''\n    return a", "def f(a, b=''):\n    return a"),
    ],
)
def test_what_each_change_writes(kind: str, code: str, expected: str) -> None:
    assert CHANGES[kind].apply(code, Language.PYTHON, random.Random(0)) == expected


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("keywords", "def f():\n    return dict(a=1, b=2)"),  # a dictionary shows its order
        ("keywords", "def f():\n    return g(a=h(), b=k())"),  # either may see what the other did
        ("reorder", "def f():\n    a.x = 1\n    b = c.x"),  # a and c may be one object
        ("reorder", "def f(a):\n    b = a\n    a = 1"),
        ("hoist", "def f(a):\n    return g(a.x, a.next())"),  # which may change a.x
        ("hoist", "def f(a):\n    if a:\n        pass\n    elif g(h(a)):\n        pass"),
        ("strings", "def f(a):\n    return a + a"),
        ("strings", "def f(a):\n    return '%d' % a"),
        ("dead-code", "def f(a):\n    return locals()"),
        ("alias", "def f():\n    import os.path\n    return os.path"),
        ("alias", "def f(os):\n    import os\n    return os"),
        ("wrap", "def f(a):\n    x = yield a"),
        ("quotes", "def f():\n    return 1"),
        ("reformat", "def f(:"),
        ("comments", "x = '\ud800'"),
        ("comments", "\0"),
        ("comments", "def f():\r    pass"),
    ],
)
def test_what_is_left_alone(kind: str, code: str) -> None:
    assert CHANGES[kind].apply(code, Language.PYTHON, random.Random(0)) is None


def brace_tokens(code: str, language: Language) -> list[str]:
    """The leaves of the syntax tree, without comments."""
    tree = parser(language).parse(code.encode())
    assert not tree.root_node.has_error
    found, waiting = [], [tree.root_node]
    while waiting:
        node = waiting.pop()
        if node.type in COMMENTS:
            continue
        waiting += reversed(node.children)
        if not node.child_count:
            assert node.text is not None
            found.append("".join(node.text.decode().split()))
    return found


@pytest.mark.parametrize("change", BRACES, ids=lambda change: change.name)
@pytest.mark.parametrize(
    ("language", "path"), [(Language.C, "devign/sample.jsonl"), (Language.JAVA, "bigclonebench/data.jsonl")]
)
def test_real_functions_in_c_and_java(change: Change, language: Language, path: str) -> None:
    codes = shared(path)[:300]
    count = 0
    for code, changed in applied(change, codes, language):
        count += 1
        before, after = brace_tokens(code, language), brace_tokens(changed, language)
        if change.name in ("reformat", "comments"):
            assert before == after
        if change.name == "reorder":
            assert sorted(before) == sorted(after)
        if change.name == "dead-code":
            assert len(after) > len(before)
    assert count > {"reorder": 20}.get(change.name, 150)


@pytest.mark.parametrize("language", [Language.C, Language.JAVA])
def test_a_small_function_in_c_and_java(language: Language) -> None:
    code = (
        "int f(int n)\n{\n    int a = 0;\n    int b = 1;\n    if(n) {\n        b = n; // n {\n    }\n    return b;\n}\n"
    )
    for kind in BRACES:
        for seed in range(8):
            changed = kind.apply(code, language, random.Random(seed))
            assert changed is not None and changed == kind.apply(code, language, random.Random(seed))
            assert set(brace_tokens(code, language)) <= set(brace_tokens(changed, language))
    moved = CHANGES["reorder"].apply(code, language, random.Random(0))
    assert moved == code.replace("a = 0", "?").replace("b = 1", "a = 0").replace("?", "b = 1")


def test_the_same_draw_gives_the_same_change(library: list[str]) -> None:
    for code in library[:60]:
        first, again = (change(code, Language.PYTHON, random.Random(3), PYTHON, most=4) for _ in range(2))
        assert first == again


def test_changes_by_name_and_language() -> None:
    assert [each.name for each in changes_for(Language.JAVA)] == [
        "rename",
        "reformat",
        "comments",
        "reorder",
        "dead-code",
    ]
    assert changes_for(Language.PYTHON) == tuple(CHANGES.values())
    assert [each.name for each in changes_for(Language.PYTHON, ["wrap", "quotes"])] == ["quotes", "wrap"]
    with pytest.raises(SettingsError, match="there is no change 'quote': choose from rename, quotes"):
        changes_for(Language.PYTHON, ["quote"])
    with pytest.raises(SettingsError, match="none of the changes quotes is for c"):
        changes_for(Language.C, ["quotes"])


def test_the_functions_of_a_pair_change_one_by_one() -> None:
    codes = ("def f():\n    return 'a'", "def g():\n    return 1")
    changed, names = change_example(codes, Language.PYTHON, random.Random(0), [CHANGES["quotes"]])
    assert changed == ('def f():\n    return "a"', codes[1]) and names == ("quotes",)


def test_code_that_is_parsed_once_is_left_as_it_is(library: list[str]) -> None:
    """Changes that are tried on the same code in turn share its tree."""
    for code in library[:60]:
        before = ast.dump(parsed(code).tree, include_attributes=True)
        for one in PYTHON:
            one.apply(code, Language.PYTHON, random.Random(0))
        assert ast.dump(parsed(code).tree, include_attributes=True) == before
