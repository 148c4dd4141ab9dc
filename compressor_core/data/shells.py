"""Random functions around programs: names, parameters, other statements, unusual places, comments.

None of this depends on the label.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Sequence

from compressor_core.data.surface import FRESH, WORDS, Piece

_VERBS = """
    add apply build check collect compute convert copy create delete do download ensure export fetch fill find format
    generate get handle init insert list load lookup make merge move on open parse ping prepare process publish
    query read refresh register remove render report request resolve restore run save search select send serve set show
    start store submit sync test transform update upload validate view visit write
"""
VERBS = tuple(_VERBS.split())
_DOCSTRINGS = (
    "Handle one {word}.",
    "Return the {word} that was asked for.",
    "Fetch, check and store a {word}.",
    "Used by the {word} view.",
    "Helper of the nightly {word} job.",
    "Return True if it worked.",
    "See the documentation of `{token}`.",
    "Built on {token}.",
    "Does not use {token} any more.",
    "Part of the {word} API; {token} is discussed in the manual.",
)
_COMMENTS = (
    "keep in step with the {word} page",
    "the {word} comes first",
    "TODO: cache this",
    "see {token}",
    "{token} was used here once",
    "never use {token} here",
    "TODO: look at {token}",
    "faster than before",
    "called by the scheduler",
    "validated by the caller",
    "safe: checked in review",
    "not for production",
)
_HINTS = ("str", "str", "str", "bytes", "Any", "dict", "Path", "int", "object")
_DECORATORS = (
    "@app.route('/{word}')",
    "@app.post('/{word}')",
    "@router.get('/{word}/<id>')",
    "@login_required",
    "@staticmethod",
    "@functools.lru_cache(maxsize=None)",
    "@pytest.fixture",
    "@task(name='{word}')",
    "@property",
    "@require_POST",
    "@cli.command()",
)
_EXTRAS = (
    "timeout=10",
    "limit=100",
    "verbose=False",
    "dry_run=True",
    "encoding='utf-8'",
    "logger=None",
    "*args",
    "**kwargs",
)
_FILLERS = (
    "{n} = []",
    "{n} = {{}}",
    "{n} = 0",
    "{n} = time.monotonic()",
    "logger.debug('{word}')",
    "self_check('{word}')",
    "{n} = '{word}'",
    "{n} = settings.{upper}",
    "{n} = len({p})",
    "print('{word} done')",
    "if not {p}:\n    return None",
    "if {p} is None:\n    raise ValueError('no {word}')",
    "{n} = [item.strip() for item in {p}.split(',')]",
    "{n} = {{'{word}': 1, 'ok': True}}",
    "for {n} in range(3):\n    counter.update({n})",
    "{n} = max(1, {p}) if isinstance({p}, int) else 1",
    "metrics.count('{word}')",
    "{n} = datetime.now(timezone.utc)",
    "with lock:\n    total = total + 1",
    "{n} = os.environ.get('{upper}', 'default')",
    "{n} = sorted(registry, key=lambda item: item.{word})",
)
"""Harmless statements beside a program; `{p}` is a parameter, `{n}` a fresh name."""


def text_of(body: Sequence[ast.stmt]) -> list[str]:
    """Statements as lines of code."""
    return ast.unparse(ast.Module(list(body), [])).split("\n")


def function(
    pieces: Sequence[Piece], rng: random.Random, taken: set[str], tokens: Sequence[str], *, plain: bool = False
) -> str:
    """A generated function that contains the pieces, in this order, among neutral statements; `plain` without those.

    `taken` are the names in use; `tokens` are names of APIs that a comment or a docstring may mention.
    """
    method = any(piece.method for piece in pieces)
    parameters = list(dict.fromkeys(name for piece in pieces for name in piece.parameters))
    for name in dict.fromkeys(name for piece in pieces for name in piece.given):
        if rng.random() < 0.45 and name.isidentifier():
            parameters.append(name)
    parameters = list(dict.fromkeys(parameters))
    rng.shuffle(parameters)
    word = rng.choice(WORDS)

    def fill(template: str) -> str:
        fresh = rng.choice([name for name in FRESH if name not in taken])
        if "{n}" in template:
            taken.add(fresh)
        return template.format(
            word=rng.choice((word, rng.choice(WORDS))),
            upper=word.upper(),
            n=fresh,
            p=rng.choice(parameters or ["name"]),
            token=rng.choice(tokens),
        )

    lines: list[str] = []
    inside, outside = [], []
    where = rng.random() * (0.45 if any(piece.explicit for piece in pieces) else 1)
    shown = list(dict.fromkeys(line for piece in pieces for line in piece.imports))
    if where < 0.15:
        inside = shown
    elif where < 0.45:
        outside = shown
    fillers = [
        fill(rng.choice(_FILLERS)).split("\n")
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2)) if parameters and not plain else 0)
    ]
    blocks = [
        placed(piece, rng, taken, last=index == len(pieces) - 1, usual=plain) for index, piece in enumerate(pieces)
    ]
    for filler in fillers:
        blocks.insert(rng.randrange(len(blocks)) if rng.random() < 0.7 else 0, filler)
    for block in blocks:
        lines += block
    result = pieces[-1].result
    if result and not lines[-1].lstrip().startswith(("return", "raise")) and rng.random() < 0.6:
        lines.append(f"return {result}")
    if not plain and rng.random() < 0.12:
        lines.insert(rng.choice(_tops(lines)), f"# {fill(rng.choice(_COMMENTS))}")
    docstring = [f'"""{fill(rng.choice(_DOCSTRINGS))}"""'] if rng.random() < 0.22 else []
    extra = rng.choice(_EXTRAS)
    if rng.random() < 0.2 and extra.split("=")[0] not in parameters:
        parameters.append(extra)
    hints = rng.random() < 0.25
    if hints:
        parameters = [p if set(p) & set("=*") else f"{p}: {rng.choice(_HINTS)}" for p in parameters]
    name = rng.choice(
        (f"{rng.choice(VERBS)}_{word}", f"{rng.choice(VERBS)}_{word}", word, rng.choice(VERBS), f"_{word}")
    )
    arguments = ", ".join((["self"] if method else []) + parameters)
    define = "async def" if any(piece.coroutine for piece in pieces) or rng.random() < 0.04 else "def"
    returns = f" -> {rng.choice(('None', 'str', 'bool', 'Any', 'list', 'int'))}" if hints and rng.random() < 0.7 else ""
    decorators = [fill(rng.choice(_DECORATORS))] if rng.random() < 0.15 else []
    body = [f"    {line}" if line else line for line in (*docstring, *inside, *lines)]
    whole = [*decorators, f"{define} {name}({arguments}){returns}:", *body]
    if method and rng.random() < 0.25:
        whole = [
            f"class {word.title()}{rng.choice(('', 'Service', 'View', 'Client'))}:",
            *(f"    {line}" for line in whole),
        ]
    return "\n".join([*outside, *([""] if outside and rng.random() < 0.7 else []), *whole])


def placed(piece: Piece, rng: random.Random, taken: set[str], *, last: bool, usual: bool = False) -> list[str]:
    """Lines of a piece, unless `usual` sometimes in an odd place; only the `last` piece keeps its return statement."""
    body = piece.body
    if not last and isinstance(body[-1], ast.Return):
        kept = body[-1].value or ast.Constant(None)
        fresh = next(name for name in rng.sample(FRESH, len(FRESH)) if name not in taken)
        taken.add(fresh)
        body = [*body[:-1], ast.Assign([ast.Name(fresh, ast.Store())], kept, lineno=0)]
    lines = text_of(body)
    if not usual and rng.random() < 0.22:
        lines = rng.choice(_PLACES)(lines, rng)
    return lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _under(*headers: str) -> Callable[[list[str], random.Random], list[str]]:
    def put(lines: list[str], rng: random.Random) -> list[str]:
        return [rng.choice(headers).format(word=rng.choice(WORDS)), *_indented(lines)]

    return put


def _after(*branches: str) -> Callable[[list[str], random.Random], list[str]]:
    def put(lines: list[str], rng: random.Random) -> list[str]:
        word = rng.choice(WORDS)
        return [*rng.choice(branches).format(word=word, upper=word.upper()).split("\n"), *_indented(lines)]

    return put


def _tried(lines: list[str], rng: random.Random) -> list[str]:
    end = rng.choice(("finally:\n    metrics.stop()", "except ValueError:\n    logger.exception('{word}')\n    raise"))
    return ["try:", *_indented(lines), *end.format(word=rng.choice(WORDS)).split("\n")]


_PLACES: tuple[Callable[[list[str], random.Random], list[str]], ...] = (
    _under(
        "if {word}_enabled:",
        "if mode == '{word}':",
        "with lock:",
        "while running:",
        "if not cached:",
        "with timer('{word}'):",
    ),
    _under("for attempt in range(3):", "for {word} in batch:"),
    _after(
        "if ready:\n    state = '{word}'\nelse:",
        "if kind == '{word}':\n    count = 1\nelif kind:",
        "try:\n    settings.load('{word}')\nfinally:",
        "if config.{upper}:\n    level = 2\nelse:",
    ),
    _tried,
)


def _tops(lines: Sequence[str]) -> list[int]:
    """Line numbers before which a comment can be inserted: starts of statements at the outer level."""
    return [
        n
        for n, line in enumerate(lines)
        if line and not line.startswith((" ", ")", "]", "}", "else", "elif", "except", "finally"))
    ] or [0]
