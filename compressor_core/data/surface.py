"""Filling of program templates: names, words, the form of strings, and the source of values.

The random choices made here never change the meaning of a program, and so its label.
"""

from __future__ import annotations

import ast
import builtins
import functools
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

OUTSIDE = ("value", "value2")
"""Placeholders in a program for values from outside."""
_WORDS = """
    account archive asset audit backup badge basket booking branch campaign card cart catalog channel chart city client
    comment contact contract course coupon customer delivery device document draft driver employee event export feed
    flight folder gallery game garden grade group guest hotel image index inventory invoice issue item journal
    key label ledger letter library license listing location lot machine manual map market media meeting member menu
    message metric model module movie news note notice order page parcel partner patient payment person photo plan
    player podcast policy post price product profile project quote rating receipt recipe record region rental report
    review room route sale sample schedule score season seat section sensor session shelf shift shipment shop station
    stock store student subscription summary supplier survey task team template theme thread ticket topic track trip
    user vehicle vendor version video visit volume voucher warehouse widget worker
"""
_FRESH = """
    a ans answer b body buf buffer c cache chunk cmd content conn copy count cur current d data dest doc e elem entry
    env expr extra f field fields final found handle info inner item k kind last left lines loaded m made merged msg n
    name names new node obj op out outcome output p packed page params parsed parts path payload piece piped pos
    raw rec ref rendered reply res resp response result ret returned right row rows s source spec state stmt stream
    t target temp tmp token total u unit v val value w work x y z
"""
WORDS, FRESH = tuple(_WORDS.split()), tuple(_FRESH.split())
_VALUES = """
    name value text data path query q target payload user_id item key host url filename message body content raw arg
    param user_input field line token title source subject kind code reference identifier request_data entry
"""
VALUES = tuple(_VALUES.split())
"""Names for a value from outside, in addition to those of the weakness."""
GIVEN = {
    "cursor": ("cur", "c", "db_cursor", "cursor"),
    "connection": ("conn", "con", "db", "connection", "database"),
    "session": ("session", "s", "db_session", "http"),
    "client": ("client", "api", "cli", "c"),
    "logger": ("logger", "log", "LOG", "logging", "_logger"),
    "app": ("app", "application", "server", "api"),
    "response": ("response", "resp", "reply", "r"),
    "request": ("request", "req", "request"),
    "db": ("db", "database", "conn"),
    "engine": ("engine", "db_engine", "eng"),
    "sock": ("sock", "s", "conn", "server"),
}
"""Alternative names of objects that a program uses without defining them."""
_SHORTENED = 0.2
"""Share of programs that import modules under an alias, or names individually."""
_BUILTINS = frozenset(dir(builtins)) | {"text", "either"}
_OTHER_QUOTES = 0.3
"""Share of the programs whose texts have double quotes inside in place of single ones."""
_UNUSUAL = re.compile(r"\d_\d|\b0[xob]")
_APOSTROPHE = re.compile(r"\w'\w|\"")
_WORD = re.compile(r"(?<![A-Z])WORD2?(?![A-Z])")


@dataclass(frozen=True)
class Form:
    """A parsed program template, with its own names, given names, and values from outside."""

    program: str
    members: frozenset[tuple[str, str]]
    """Attributes used of each name, such as `("pickle", "loads")`."""
    own: tuple[str, ...]
    given: tuple[str, ...]
    outside: tuple[str, ...]
    rebinds: bool
    """Whether a value from outside is assigned, or read more than twice, and so needs a variable."""
    method: bool
    coroutine: bool

    def statements(self) -> list[ast.stmt]:
        """Freshly parsed statements, which the caller may change; faster than a copy."""
        return _statements(self.program)


@dataclass
class Piece:
    """A filled program: statements, and what the enclosing function must provide."""

    body: list[ast.stmt]
    parameters: list[str] = field(default_factory=list)
    """Names that must be parameters or variables of the function."""
    given: list[str] = field(default_factory=list)
    """Names that may be parameters, or refer to something outside the function."""
    imports: tuple[str, ...] = ()
    explicit: bool = False
    """Whether the code cannot be understood without its imports."""
    method: bool = False
    coroutine: bool = False
    result: str | None = None
    """Last variable that the program assigns, which a function may return."""


@functools.cache
def parse(program: str, imports: tuple[str, ...]) -> Form:
    """Parse a program of the catalogue; cached. Raises SyntaxError for invalid Python."""
    program = program.strip("\n")
    tree = ast.Module(_statements(program), [])
    elsewhere = {name for line in imports for name in imported(line)}
    stored: dict[str, None] = {}
    loaded: dict[str, None] = {}
    reads: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else stored).setdefault(node.id)
            reads[node.id] += 1
        elif isinstance(node, ast.arg):
            stored.setdefault(node.arg)
        elif isinstance(node, ast.ExceptHandler | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name:
                stored.setdefault(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            elsewhere.update((a.asname or a.name).split(".")[0] for a in node.names)
    return Form(
        program=program,
        members=frozenset(
            (node.value.id, node.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        ),
        own=tuple(name for name in stored if name not in {*elsewhere, *OUTSIDE, "self", "_"}),
        given=tuple(
            name
            for name in loaded
            if name.isidentifier() and name not in {*stored, *elsewhere, *_BUILTINS, *OUTSIDE, "self"}
        ),
        outside=tuple(name for name in OUTSIDE if name in loaded),
        rebinds=any(name in stored or reads[name] > 2 for name in OUTSIDE),
        method="self" in loaded,
        coroutine=any(isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor) for node in ast.walk(tree)),
    )


@functools.cache
def imported(line: str) -> frozenset[str]:
    """Names that import statements bind; cached."""
    statements = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Import | ast.ImportFrom)]
    return frozenset((alias.asname or alias.name).split(".")[0] for node in statements for alias in node.names)


@functools.cache
def needed(imports: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
    """Import statements for the names that any of the texts uses, each imported once; cached."""
    names = {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    left, lines = set(names), []
    for node in (statement for line in imports for statement in ast.parse(line).body):
        assert isinstance(node, ast.Import | ast.ImportFrom)
        dotted = isinstance(node, ast.Import) and "." in node.names[0].name and not node.names[0].asname
        bound = {alias: (alias.asname or alias.name).split(".")[0] for alias in node.names}
        used = [alias for alias in node.names if bound[alias] in (names if dotted else left)]
        if dotted:  # `import a.b` and `import a.c` both bind a
            used = [alias for alias in used if any(f"{alias.name}." in text for text in texts)]
        else:
            left -= set(bound.values())
        if used:
            node.names = used
            lines.append(ast.unparse(node))
    return tuple(lines)


@dataclass(frozen=True)
class Origin:
    """Source of a value: an expression, or a variable with the statements that assign it."""

    expression: ast.expr
    before: tuple[ast.stmt, ...] = ()
    parameter: str | None = None


def dress(
    form: Form,
    rng: random.Random,
    origin: Callable[[str], Origin],
    taken: set[str],
    imports: Sequence[str] = (),
    *,
    shorten: bool = False,
) -> Piece:
    """Fill a program with random names, words and strings; its own names must not be in `taken`.

    `origin` gives the replacement of each of OUTSIDE. Used names are added to `taken`. With `shorten`, a module may be
    imported under an alias, or its names individually; the code then has to show its imports.
    """
    first, second = rng.sample(WORDS, 2)
    names = {}
    for own in form.own:
        kept = _WORD.sub(first, own)
        if kept in taken or ("WORD" not in own and rng.random() < 0.35):
            kept = next(name for name in _shuffled(FRESH, rng) if name not in taken)
        names[own] = kept
        taken.add(kept)
    for given in form.given:
        choices = [name for name in GIVEN.get(given, (given,)) if name not in taken or name == given]
        names[given] = _WORD.sub(first, rng.choice(choices or [given]))
        taken.add(names[given])
    origins = {name: origin(name) for name in form.outside}
    short, shown = _shorter(form, imports, rng) if shorten and rng.random() < _SHORTENED else ({}, tuple(imports))
    writer = _Writer(names, {name: o.expression for name, o in origins.items()}, (first, second), short, rng)
    body = [statement for o in origins.values() for statement in o.before]
    statements = [writer.visit(statement) for statement in form.statements()]
    body += statements
    results = [n.id for s in statements if isinstance(s, ast.Assign) for n in s.targets if isinstance(n, ast.Name)]
    return Piece(
        body=body,
        parameters=[o.parameter for o in origins.values() if o.parameter],
        given=[names[name] for name in form.given],
        imports=shown,
        explicit=bool(short),
        method=form.method,
        coroutine=form.coroutine,
        result=results[-1] if results else None,
    )


def _shuffled(names: Sequence[str], rng: random.Random) -> list[str]:
    return rng.sample(names, len(names))


def _shorter(form: Form, imports: Sequence[str], rng: random.Random) -> tuple[dict[str, str], tuple[str, ...]]:
    """Alias of each module (empty for a key that ends with a dot, whose names are imported), and the import lines."""
    short: dict[str, str] = {}
    lines = []
    aliased = rng.random() < 0.35
    for line in imports:
        module = line.removeprefix("import ")
        if module.isidentifier() and aliased:
            short[module] = rng.choice((f"_{module}", f"{module}_", f"{module}_module", f"{module}lib"))
            line = f"import {module} as {short[module]}"
        elif module.isidentifier():
            names = {attribute for name, attribute in form.members if name == module}
            if names and names.isdisjoint({*_BUILTINS, *form.own, *form.given}):
                short[f"{module}."] = ""
                line = f"from {module} import {', '.join(sorted(names))}"
        lines.append(line)
    return short, tuple(lines)


def _statements(program: str) -> list[ast.stmt]:
    tree = ast.parse(program)
    if _UNUSUAL.search(program):
        tree = _AsWritten(program).visit(tree)
    return tree.body


class _AsWritten(ast.NodeTransformer):
    """Preserves the spelling of numbers (0o777, 10_000), which `ast.unparse` would not."""

    def __init__(self, program: str) -> None:
        self.program = program

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        written = ast.get_source_segment(self.program, node) if type(node.value) is int else None
        return node if written is None or written == str(node.value) else ast.Name(written, ast.Load())


class _Writer(ast.NodeTransformer):
    """Fills the placeholders of a statement."""

    def __init__(
        self,
        names: dict[str, str],
        outside: dict[str, ast.expr],
        words: tuple[str, str],
        modules: dict[str, str],
        rng: random.Random,
    ) -> None:
        self.names, self.outside, self.words, self.modules, self.rng = names, outside, words, modules, rng
        self.style = rng.choices(_STYLES, _STYLE_WEIGHTS)[0]
        self.double = rng.random() < _OTHER_QUOTES

    def _word(self, text: str) -> str:
        if "WORD" not in text:
            return text
        return _WORD.sub(lambda found: self.words[found[0] == "WORD2"], text)

    def _written(self, text: str) -> str:
        """Text of a string: its words, and one kind of quotes for the whole program."""
        text = self._word(text)
        return text.replace("'", '"') if self.double and not _APOSTROPHE.search(text) else text

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.outside and isinstance(node.ctx, ast.Load):
            return deepcopy(self.outside[node.id])
        if node.id in self.outside:
            expression = self.outside[node.id]
            return ast.Name(expression.id if isinstance(expression, ast.Name) else node.id, node.ctx)
        node.id = self._word(self.modules.get(node.id, self.names.get(node.id, node.id)))
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.names.get(node.arg, node.arg)
        self.generic_visit(node)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        if node.arg:
            node.arg = self._word(node.arg)
        self.generic_visit(node)
        return node

    def _bound(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler) -> ast.AST:
        node.name = node.name and self.names.get(node.name, node.name)
        self.generic_visit(node)
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_ExceptHandler = _bound

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str):
            node.value = self._written(node.value)
        elif isinstance(node.value, bytes):
            node.value = self._written(node.value.decode("latin-1")).encode("latin-1")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and f"{node.value.id}." in self.modules:
            return ast.Name(node.attr, ast.Load())
        node.attr = self._word(node.attr)
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id == "either":
            chosen: ast.expr = self.visit(self.rng.choice(node.args))
            return chosen
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "text":
            return self.style(_flat(node.args), self.rng)
        return node


def _flat(parts: Sequence[ast.expr]) -> list[ast.expr]:
    """Parts of a string, with neighbouring constants joined."""
    flat: list[ast.expr] = []
    for part in parts:
        last = flat[-1] if flat else None
        if isinstance(part, ast.Constant) and isinstance(last, ast.Constant):
            flat[-1] = ast.Constant(str(last.value) + str(part.value))
        else:
            flat.append(part)
    return flat or [ast.Constant("")]


def _fixed(part: ast.expr) -> str | None:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else None


def _f_string(parts: list[ast.expr], rng: random.Random) -> ast.expr:
    if any("\\" in ast.unparse(part) for part in parts if _fixed(part) is None):
        return _concatenation(parts, rng)  # no backslash is allowed in the braces before Python 3.12
    return ast.JoinedStr([p if _fixed(p) is not None else ast.FormattedValue(p, -1, None) for p in parts])


def _concatenation(parts: list[ast.expr], rng: random.Random) -> ast.expr:
    wrapped = rng.random() < 0.3
    terms: list[ast.expr] = [
        ast.Call(ast.Name("str", ast.Load()), [p], []) if wrapped and _fixed(p) is None and not _is_str(p) else p
        for p in parts
    ]
    if len(terms) == 1:
        return ast.Call(ast.Name("str", ast.Load()), [parts[0]], []) if _fixed(parts[0]) is None else parts[0]
    return functools.reduce(lambda left, right: ast.BinOp(left, ast.Add(), right), terms)


def _is_str(part: ast.expr) -> bool:
    return isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "str"


def _percent(parts: list[ast.expr], rng: random.Random) -> ast.expr:
    pattern = "".join("%s" if (fixed := _fixed(p)) is None else fixed.replace("%", "%%") for p in parts)
    values = [p for p in parts if _fixed(p) is None]
    if not values:
        return ast.Constant(pattern.replace("%%", "%"))
    alone = len(values) == 1 and isinstance(values[0], ast.Name) and rng.random() < 0.5
    return ast.BinOp(ast.Constant(pattern), ast.Mod(), values[0] if alone else ast.Tuple(values, ast.Load()))


def _format(parts: list[ast.expr], rng: random.Random) -> ast.expr:
    values = [p for p in parts if _fixed(p) is None]
    named = rng.random() < 0.3 and all(isinstance(v, ast.Name) for v in values)
    numbered = not named and rng.random() < 0.2
    pattern, seen = "", 0
    for part in parts:
        fixed = _fixed(part)
        if fixed is not None:
            pattern += fixed.replace("{", "{{").replace("}", "}}")
            continue
        pattern += "{%s}" % (part.id if named and isinstance(part, ast.Name) else seen if numbered else "")
        seen += 1
    keywords = {v.id: v for v in values if isinstance(v, ast.Name)} if named else {}
    return ast.Call(
        ast.Attribute(ast.Constant(pattern), "format", ast.Load()),
        [] if named else values,
        [ast.keyword(name, v) for name, v in keywords.items()],
    )


_STYLES = (_f_string, _concatenation, _percent, _format)
_STYLE_WEIGHTS = (0.4, 0.27, 0.18, 0.15)
