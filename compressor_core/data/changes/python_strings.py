"""Rewriting of strings with values into another form: f-string, %, format or concatenation."""

from __future__ import annotations

import ast
import random
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compressor_core.data.changes.edits import Edit
from compressor_core.data.changes.python import Python

_PERCENT = re.compile(r"%(?:%|[sr])")
_TEXT_CALLS = frozenset({"str", "repr", "ascii", "format", "hex", "oct", "bin", "chr"})
_CONVERSIONS = {-1: "", ord("s"): "s", ord("r"): "r"}


@dataclass(frozen=True, slots=True)
class _Value:
    """A value in a string; `text` is its code, `whole` whether it is certainly a string."""

    text: str
    conversion: str = ""
    format: str = ""
    whole: bool = False


_Part = str | _Value


def string_forms(source: Python, rng: random.Random) -> list[Edit]:
    """Rewrite every string with values in another form. An operand of `+` is assumed to be a string.

    A single operand of `%` that is not a tuple literal is assumed not to be a tuple.
    """
    edits: list[Edit] = []
    done: set[int] = set()
    for node in source.nodes:
        if not isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call) or id(node) in done:
            continue
        read = _read(source, node)
        if read is None:
            continue
        form, parts = read
        done.update(map(id, ast.walk(node)))
        if not any(isinstance(part, _Value) for part in parts) or not any(isinstance(part, str) for part in parts):
            continue
        start, end = source.span(node)
        if b'"""' in source.text[start:end] or b"'''" in source.text[start:end]:
            continue
        others = [other for other in _WRITERS if other != form]
        rng.shuffle(others)
        written = next((text for other in others if (text := _WRITERS[other](parts)) is not None), None)
        if written is not None:
            edits.append(Edit(start, end, written.encode()))
    return edits


# Reading


def _read(source: Python, node: ast.expr) -> tuple[str, list[_Part]] | None:
    """Form and parts of an expression; None if it is not a string with values, or cannot be rewritten."""
    if isinstance(node, ast.JoinedStr):
        parts = _joined(node)
        return None if parts is None else ("f-string", parts)
    if isinstance(node, ast.Call):
        parts = _formatted(source, node)
        return None if parts is None else ("format", parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        parts = _interpolated(source, node)
        return None if parts is None else ("percent", parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = _added(source, node)
        return None if parts is None else ("concatenation", parts)
    return None


def _joined(node: ast.JoinedStr) -> list[_Part] | None:
    parts: list[_Part] = []
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value))
            continue
        assert isinstance(value, ast.FormattedValue)
        spec = value.format_spec
        if value.conversion not in _CONVERSIONS or _binds(value.value):
            return None
        if spec is None:
            fixed = ""
        elif isinstance(spec, ast.JoinedStr) and len(spec.values) == 1 and isinstance(spec.values[0], ast.Constant):
            fixed = str(spec.values[0].value)
        else:
            return None
        parts.append(_value(ast.unparse(value.value), value.value, _CONVERSIONS[value.conversion], fixed))
    return parts


def _formatted(source: Python, node: ast.Call) -> list[_Part] | None:
    """Parts of `"…{}…".format(a, b)` if each argument is used once and in order."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and function.attr == "format"):
        return None
    text = function.value
    if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
        return None
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(k.arg is None for k in node.keywords):
        return None
    given = {**{str(n): each for n, each in enumerate(node.args)}, **{str(k.arg): k.value for k in node.keywords}}
    waiting, parts, numbered = iter(given.items()), list[_Part](), 0
    try:
        fields = list(string.Formatter().parse(text.value))
    except ValueError:
        return None
    for literal, name, spec, conversion in fields:
        if literal:
            parts.append(literal)
        if name is None:
            continue
        wanted = name or str(numbered)
        numbered += not name
        key, value = next(waiting, ("", None))
        if key != wanted or value is None or "{" in (spec or "") or conversion not in (None, "r", "s"):
            return None
        if _binds(value) or "\n" in source.segment(value):
            return None
        parts.append(_value(source.segment(value), value, conversion or "", spec or ""))
    return parts if next(waiting, None) is None else None


def _interpolated(source: Python, node: ast.BinOp) -> list[_Part] | None:
    """Parts of `"…%s…" % (a, b)`."""
    text = node.left
    if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
        return None
    values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    if text.value.count("%") != sum(2 if found == "%%" else 1 for found in _PERCENT.findall(text.value)):
        return None
    parts, at, waiting = list[_Part](), 0, iter(values)
    for found in _PERCENT.finditer(text.value):
        parts.append(text.value[at : found.start()])
        at = found.end()
        if found[0] == "%%":
            parts.append("%")
            continue
        value = next(waiting, None)
        if value is None or isinstance(value, ast.Starred | ast.Dict) or _binds(value):
            return None
        if "\n" in source.segment(value):
            return None
        parts.append(_value(source.segment(value), value, "r" if found[0] == "%r" else ""))
    parts.append(text.value[at:])
    return _merged(parts) if next(waiting, None) is None else None


def _added(source: Python, node: ast.BinOp) -> list[_Part] | None:
    """Parts of `"…" + a + "…"`; one of the first two operands must be a string, so that the whole is one."""
    terms: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
        terms.append(left.right)
        left = left.left
    terms.append(left)
    terms.reverse()
    if not any(_is_string(term) for term in terms[:2]):
        return None
    parts = list[_Part]()
    for term in terms:
        if isinstance(term, ast.JoinedStr):
            inner = _joined(term)
            if inner is None:
                return None
            parts += inner
        elif isinstance(term, ast.Constant) and isinstance(term.value, str):
            parts.append(term.value)
        elif _binds(term) or "\n" in source.segment(term):
            return None
        elif isinstance(term, ast.Call) and _called(term) == "str" and len(term.args) == 1 and not term.keywords:
            inside = term.args[0]
            if isinstance(inside, ast.Starred | ast.GeneratorExp):
                return None
            parts.append(_value(source.segment(inside), inside))
        else:
            parts.append(_Value(source.segment(term), whole=True))
    return _merged(parts)


def _value(text: str, node: ast.expr, conversion: str = "", form: str = "") -> _Value:
    return _Value(text, conversion, form, _is_string(node) or _called(node) in _TEXT_CALLS)


def _is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _called(node: ast.expr) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _binds(node: ast.expr) -> bool:
    """Whether moving the expression has side effects, or it cannot be used in every form."""
    odd = ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda | ast.GeneratorExp | ast.IfExp
    return any(isinstance(inner, odd) for inner in ast.walk(node))


def _merged(parts: Sequence[_Part]) -> list[_Part]:
    """Parts with neighbouring texts joined and empty ones removed."""
    merged = list[_Part]()
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return [part for part in merged if part != ""]


# Writing


def _f_string(parts: Sequence[_Part]) -> str | None:
    values = "".join(part.text for part in parts if isinstance(part, _Value))
    quote = next((quote for quote in "\"'" if quote not in values), None)
    if quote is None or "\\" in values or "#" in values:
        return None
    written = ""
    for part in parts:
        if isinstance(part, str):
            written += _escaped(part.replace("{", "{{").replace("}", "}}"), quote)
        else:
            conversion = f"!{part.conversion}" if part.conversion else ""
            form = f":{part.format}" if part.format else ""
            written += "{" + (" " if part.text.startswith("{") else "") + part.text + conversion + form + "}"
    return f"f{quote}{written}{quote}"


def _format(parts: Sequence[_Part]) -> str:
    text, values = "", []
    for part in parts:
        if isinstance(part, str):
            text += part.replace("{", "{{").replace("}", "}}")
            continue
        conversion = f"!{part.conversion}" if part.conversion else ""
        form = f":{part.format}" if part.format else ""
        text += "{" + conversion + form + "}"
        values.append(part.text)
    return f"{_quoted(text)}.format({', '.join(values)})"


def _percent(parts: Sequence[_Part]) -> str | None:
    text, values = "", []
    for part in parts:
        if isinstance(part, str):
            text += part.replace("%", "%%")
            continue
        if part.format:
            return None
        text += "%r" if part.conversion == "r" else "%s"
        values.append(part.text)
    return f"({_quoted(text)} % ({', '.join(values)}{',' * (len(values) == 1)}))"


def _concatenation(parts: Sequence[_Part]) -> str | None:
    terms = []
    for part in parts:
        if isinstance(part, str):
            terms.append(_quoted(part))
        elif part.format:
            return None
        elif part.conversion == "r":
            terms.append(f"repr({part.text})")
        else:
            terms.append(f"({part.text})" if part.whole and " " in part.text else part.text)
            if not part.whole:
                terms[-1] = f"str({part.text})"
    return f"({' + '.join(terms)})"


_WRITERS: dict[str, Callable[[Sequence[_Part]], str | None]] = {
    "f-string": _f_string,
    "format": _format,
    "percent": _percent,
    "concatenation": _concatenation,
}


def _quoted(text: str) -> str:
    return f'"{_escaped(text, chr(34))}"'


def _escaped(text: str, quote: str) -> str:
    """The text as written between such quotes."""
    escaped = repr(text + "'\"")[1:-4]  # with both quotes, `repr` is sure to write single ones
    return escaped.replace("\\'", "'").replace(quote, f"\\{quote}")
