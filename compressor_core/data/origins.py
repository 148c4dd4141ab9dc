"""Sources of the values that a program of the catalogue handles: from outside, or trusted."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Sequence

from compressor_core.data.surface import VALUES, WORDS, Origin

_SOURCES = (
    "request.args.get('{word}')",
    "request.args['{word}']",
    "request.form['{word}']",
    "request.json['{word}']",
    "request.GET['{word}']",
    "request.POST.get('{word}', '')",
    "request.headers.get('X-{title}')",
    "request.query_params['{word}']",
    "input('{title}: ')",
    "sys.argv[1]",
    "params['{word}']",
    "payload.get('{word}')",
    "event['{word}']",
    "form.{word}.data",
    "self.request.{word}",
    "body['{word}']",
    "sock.recv(1024).decode()",
    "message.get('{word}')",
    "args.{word}",
)
"""Expressions that yield a value from outside."""
_TRUSTED = (
    "DEFAULT_{upper}",
    "{upper}",
    "settings.{upper}",
    "config.DEFAULT_{upper}",
    "'{word}'",
    "'{word}s'",
)


def _expression(template: str, word: str) -> ast.expr:
    return ast.parse(template.format(word=word, title=word.title(), upper=word.upper()), mode="eval").body


def _variable(names: Sequence[str], rng: random.Random, taken: set[str]) -> str:
    free = [name for name in (names if names and rng.random() < 0.7 else VALUES) if name not in taken]
    name = rng.choice(free or [f"{rng.choice(VALUES)}_{rng.choice(WORDS)}"])
    taken.add(name)
    return name


def _assigned(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def from_outside(
    names: Sequence[str], rng: random.Random, taken: set[str], *, variables: Sequence[str], rebinds: bool
) -> Callable[[str], Origin]:
    """Untrusted values: parameters, one of the host's `variables`, or an expression of `_SOURCES`."""

    def origin(hole: str) -> Origin:
        drawn, word = rng.random(), rng.choice(WORDS)
        if variables and drawn < 0.6:
            return Origin(ast.Name(rng.choice(variables), ast.Load()))
        name = _variable(names, rng, taken)
        if not variables and drawn < 0.7:
            return Origin(ast.Name(name, ast.Load()), parameter=name)
        if not rebinds and drawn > 0.92:
            return Origin(_expression(rng.choice(_SOURCES), word))
        before = [_assigned(name, _expression(rng.choice(_SOURCES), rng.choice((word, name))))]
        if rng.random() < 0.15:
            before.insert(0, _assigned(name, ast.Constant(word)))
        return Origin(ast.Name(name, ast.Load()), tuple(before))

    return origin


def trusted(names: Sequence[str], rng: random.Random, taken: set[str], *, number: bool) -> Callable[[str], Origin]:
    """Trusted values: constants and settings; with `number`, also input that is converted to a number."""
    as_number = number and rng.random() < 0.4

    def origin(hole: str) -> Origin:
        word = rng.choice(WORDS)
        name = _variable(names, rng, taken)
        if as_number:
            if rng.random() < 0.5:
                source = _expression(rng.choice(_SOURCES), word)
                return Origin(ast.Name(name, ast.Load()), (_assigned(name, _int(source)),))
            return Origin(ast.Name(name, ast.Load()), (_assigned(name, _int(ast.Name(name, ast.Load()))),), name)
        constant = _expression(rng.choice(_TRUSTED), word)
        if rng.random() < 0.35:
            return Origin(constant)
        before = [_assigned(name, constant)]
        if rng.random() < 0.15:  # an outside value that is overwritten
            before.insert(0, _assigned(name, _expression(rng.choice(_SOURCES), word)))
        return Origin(ast.Name(name, ast.Load()), tuple(before))

    return origin


def _int(value: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("int", ast.Load()), [value], [])
