"""Source code for the targets: Python functions made statement by statement, and fragments of three languages."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from compressor_core.language import Language

Draw = Callable[[st.SearchStrategy[Any]], Any]

_NAMES = ("a", "b", "x", "value", "self", "items", "ü", "_", "print", "len", "x2", "名")
_ATOMS = (
    *_NAMES,
    "1",
    "0.5",
    "'text'",
    '"it\'s"',
    "b'\\x00'",
    "None",
    "True",
    "...",
    "f'{a!r:>{b}} {{}}'",
    "'''two\nlines'''",
    "1j",
)
_FRAGMENTS = {
    Language.C: (
        "int",
        "char *",
        "f",
        "(",
        ")",
        "{",
        "}",
        ";",
        "a",
        "b",
        "=",
        "+=",
        "++",
        "->",
        ".",
        "*",
        "&",
        "[",
        "]",
        "if",
        "else",
        "for",
        "while",
        "do",
        "switch",
        "case 1:",
        "goto out;",
        "return",
        '"text"',
        "'c'",
        "/* x */",
        "// y\n",
        "#if X\n",
        "#endif\n",
        "#define M(a) a\n",
        "struct s",
        "sizeof",
        "0x1F",
        ",",
        "\n",
        "?",
        ":",
        "typedef",
        "\\\n",
        "int f(int a) { int b = a; return b; }",
    ),
    Language.JAVA: (
        "public",
        "void",
        "int",
        "String",
        "f",
        "(",
        ")",
        "{",
        "}",
        ";",
        "a",
        "b",
        "this.a",
        "=",
        "->",
        "new",
        "for (int i = 0; i < a; i++)",
        "try",
        "catch (E e)",
        "finally",
        "throw",
        "return",
        '"text"',
        "// y\n",
        "@Override",
        "List<String>",
        "switch",
        "case 1 ->",
        "var",
        "[",
        "]",
        "::",
        "lambda",
        "class X",
        "\n",
        "int f(int a) { int b = a; return b; }",
        '"""\nblock"""',
    ),
    Language.PYTHON: (
        "def f(a, b=1, *c, **d):",
        "\n",
        "    ",
        "  ",
        "\t",
        "a",
        "b",
        "=",
        "+=",
        ":=",
        "(",
        ")",
        "[",
        "]",
        ":",
        "return",
        "if",
        "elif",
        "else:",
        "for",
        "in",
        "while",
        "try:",
        "except E as e:",
        "finally:",
        "with",
        "as",
        "lambda",
        "yield",
        "await",
        "async",
        "global a",
        "'",
        '"""',
        "f'{a}'",
        "# x",
        "match a:",
        "case [b, *_]:",
        "class X:",
        "@d",
        "del a",
        "\\\n",
        ",",
        "*",
        "**",
        ".",
        "import x as y",
    ),
}

texts_like_code = {
    language: st.lists(st.sampled_from(parts) | st.text(max_size=3), max_size=60).map(" ".join)
    for language, parts in _FRAGMENTS.items()
}
"""Mostly broken code: what a parser has to recover from."""


@st.composite
def expressions(draw: Draw, depth: int = 2) -> str:
    """One Python expression."""
    if depth == 0:
        return draw(st.sampled_from(_ATOMS))  # type: ignore[no-any-return]

    def inner() -> str:
        return draw(expressions(depth - 1))  # type: ignore[no-any-return]

    name = draw(st.sampled_from(_NAMES))
    shapes: tuple[Callable[[], str], ...] = (
        lambda: draw(st.sampled_from(_ATOMS)),
        lambda: f"({inner()} + {inner()})",
        lambda: (
            f"({inner()} {draw(st.sampled_from(('<', '==', 'in', 'is not', 'and', 'or', '**', '@', '//')))} {inner()})"
        ),
        lambda: f"(not {inner()})",
        lambda: f"{name}.part[{inner()}]",
        lambda: f"{name}({inner()}, *{inner()}, key={inner()}, **{name})",
        lambda: f"[{inner()} for {name} in {inner()} if {inner()}]",
        lambda: f"{{{inner()}: {inner()} for {name}, b in {inner()}}}",
        lambda: f"(lambda {name}, *b: {inner()})",
        lambda: f"({name} := {inner()})",
        lambda: f"({inner()} if {inner()} else {inner()})",
        lambda: f"{name}[{inner()}:{inner()}, ...]",
        lambda: f"f'{{{name}}} {{b.c:>{{x}}}}'",
        lambda: f"(yield {inner()})",
    )
    return draw(st.sampled_from(shapes))()  # type: ignore[no-any-return]


@st.composite
def statements(draw: Draw, depth: int) -> str:
    """Some Python statements, one below the other."""
    expression = expressions(1)

    def block() -> str:
        return textwrap.indent(draw(statements(depth - 1)), "    ", lambda _: True)

    lines = []
    for _ in range(draw(st.integers(1, 3))):
        one, two = draw(expression), draw(expression)
        name, other = draw(st.sampled_from(_NAMES)), draw(st.sampled_from(_NAMES))
        simple = (
            f"{name} = {one}",
            f"{name}, *{other} = {one}",
            f"{name} += {one}",
            f"{name}.x = {other}[{one}] = {two}",
            f"return {one}",
            f"{name}({one})",
            f"assert {one}, {two}",
            f"del {name}",
            "pass",
            f"{name}: int = {one}",
            f"raise {name} from {other}",
            f"import {'os' if depth else 'sys'} as {other}",
            f"from os import path as {name}",
        )
        nested = (
            lambda one=one, two=two: f"if {one}:\n{block()}\nelif {two}:\n{block()}\nelse:\n{block()}",
            lambda one=one, name=name: f"for {name} in {one}:\n{block()}\nelse:\n{block()}",
            lambda one=one: f"while {one}:\n{block()}\n    break",
            lambda name=name: f"try:\n{block()}\nexcept (A, B) as {name}:\n{block()}\nfinally:\n{block()}",
            lambda one=one, name=name: f"with {one} as {name}, open(x):\n{block()}",
            lambda name=name, other=other: f"def {name}({other}, /, x=1, *, value: int = 2):\n{block()}",
            lambda name=name: f"class {name}:\n{block()}",
            lambda one=one, name=name, two=two: (
                f"match {one}:\n    case [1, *{name}] if {two}:\n{textwrap.indent(block(), '    ', lambda _: True)}\n"
                f"    case {{'k': {name}, **rest}} | A(x={name}):\n        pass"
            ),
        )  # fmt: skip
        lines.append(
            draw(st.sampled_from(nested))() if depth and draw(st.booleans()) else draw(st.sampled_from(simple))
        )
    return "\n".join(lines)


@st.composite
def python_functions(draw: Draw) -> str:
    """A Python function that compiles, or at least parses, as `ast.unparse` writes it."""
    body = textwrap.indent(draw(statements(draw(st.integers(0, 2)))), "    ", lambda _: True)
    head = draw(st.sampled_from(("a", "a, b=1", "self, *items, **value", "x: 'int', /, *, b=None", "")))
    source = f"def {draw(st.sampled_from(('f', 'name_of', 'ü')))}({head}):\n{body}\n"
    try:
        tree = ast.parse(source)
        compile(tree, "f", "exec")
    except (SyntaxError, ValueError):  # a name that is global and a parameter, and the like
        return "def f(a, b=1):\n    x = a + b\n    return x\n"
    return ast.unparse(tree)
