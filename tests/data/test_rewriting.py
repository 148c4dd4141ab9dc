"""Rewritten functions can be parsed, and do what the original does unless statements were inserted or deleted."""

from __future__ import annotations

import ast
import random

import pytest

from compressor_core.data.clone_renaming import local_names, nodes_of
from compressor_core.data.hosts import standard_library_hosts
from compressor_core.data.restructuring import Restructuring, negation
from compressor_core.data.rewriting import CloneType, layout, rewrite
from compressor_core.data.unseen_rewriting import rewritten_unseen

NAMES = [f"name_{i}" for i in range(60)]

FUNCTIONS = (
    (
        """
def f(values, limit):
    total = 0
    kept = [v * 2 for v in values if v < limit]
    for i in range(limit):
        total += i
    for index, value in enumerate(kept):
        total += index * value
    return total
""",
        [([1, 2, 3], 3), ([], 0), ([5, 1], 9)],
    ),
    (
        """
def f(text, default):
    first = default
    second = 1
    if text is not None and len(text) > 2:
        first = text[0]
    elif not text:
        return (first, second)
    while second < 5 and first != 'x':
        second = second + 2
    return first + str(second) if text else first
""",
        [("abc", "d"), ("xyz", "d"), ("", "d"), (None, "d"), ("ab", "q")],
    ),
    (
        """
def f(a, b):
    found = None
    for item in a:
        if item == b:
            found = item
            continue
        if item not in (1, 2):
            break
    try:
        return found / (b - 3)
    except (TypeError, ZeroDivisionError) as problem:
        return type(problem).__name__
""",
        [([1, 2, 3], 2), ([9, 2], 2), ([3], 3), ([], 1)],
    ),
    (
        """
def f(n, m):
    if n < m:
        return 'less'
    i = 10
    for i in range(n):
        i = i + m
    size = n if n > 3 else m
    return (i, size)
""",
        [(1, 2), (3, 1), (0, 0), (5, 5)],
    ),
)


@pytest.mark.parametrize(("source", "calls"), FUNCTIONS)
@pytest.mark.parametrize("seed", range(25))
def test_another_structure_computes_the_same(source: str, calls: list[tuple[object, ...]], seed: int) -> None:
    tree = ast.parse(source)
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    Restructuring(function, random.Random(seed), NAMES, inserted=0, deleted=0).apply()
    rewritten = layout(ast.unparse(ast.fix_missing_locations(tree)), random.Random(seed))
    assert rewritten.strip() != source.strip()
    assert [run(rewritten, call) for call in calls] == [run(source, call) for call in calls]


UNSEEN = (
    *FUNCTIONS,
    (
        """
def f(words, low, high):
    found = {}
    kept = [w.strip() for w in words if w and w != '-']
    names = {w for w in kept if low < len(w) < high}
    for at, word in enumerate(kept):
        if word in ('yes', 'no') and at > 0:
            found[word] = at
        elif word in names or at in (1, 2):
            continue
        else:
            break
    first = low
    second = high
    return (found, sorted(names), first, second)
""",
        [(["yes", " no ", "-", "abc", "abcdef"], 2, 5), ([], 0, 0), (["no", "maybe"], 1, 9)],
    ),
)


@pytest.mark.parametrize(("source", "calls"), UNSEEN)
@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_from_training_computes_the_same(source: str, calls: list[tuple[object, ...]], seed: int) -> None:
    rewritten = rewritten_unseen(source, random.Random(seed))
    assert rewritten is not None
    assert [run(rewritten, call) for call in calls] == [run(source, call) for call in calls]


def test_each_unseen_rewriting_is_done() -> None:
    texts = " ".join(rewritten_unseen(source, random.Random(seed)) or "" for source, _ in UNSEEN for seed in range(5))
    for sign in (
        "= iter(",
        "next(",
        "list(map(",
        "filter(lambda",
        "dict()",
        "first, second = (",
        " == 'yes' or ",
        "():",
    ):
        assert sign in texts, sign
    assert "low < len(w) and" not in texts  # it would be called twice


@pytest.mark.parametrize("source", ["def f(next):\n    return [next]", "def f(a):\n    return a + 1"])
def test_nothing_to_rewrite_unseen(source: str) -> None:
    assert rewritten_unseen(source, random.Random(0)) is None


@pytest.mark.parametrize(("source", "calls"), FUNCTIONS)
def test_other_names_compute_the_same(source: str, calls: list[tuple[object, ...]]) -> None:
    tree = ast.parse(source)
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    before = local_names(function, nodes_of(function))
    renamed = rewrite(source, CloneType.TYPE_2, random.Random(1), NAMES, outer=0)
    (copy,) = ast.parse(renamed).body
    assert isinstance(copy, ast.FunctionDef)
    after = local_names(copy, nodes_of(copy))
    assert len(after) == len(before) and not set(after) & set(before)


def run(source: str, call: tuple[object, ...]) -> object:
    space: dict[str, object] = {}
    exec(source, space)
    (function,) = (value for name, value in space.items() if name != "__builtins__")
    try:
        return function(*call)  # type: ignore[operator]
    except Exception as error:
        return type(error)


def test_every_function_of_the_library_can_be_rewritten() -> None:
    rng = random.Random(0)
    for host in standard_library_hosts()[::9]:
        for kind in CloneType:
            ast.parse(rewrite(host.source, kind, rng, NAMES))


def test_type_1_keeps_the_tokens() -> None:
    source = FUNCTIONS[1][0].strip()
    for seed in range(10):
        copy = rewrite(source, CloneType.TYPE_1, random.Random(seed), NAMES)
        assert ast.dump(ast.parse(copy)) == ast.dump(ast.parse(source))


def test_an_import_and_a_global_keep_their_names() -> None:
    source = "def f(a):\n    global g\n    import os.path as p\n    g = p.join(a)\n    return g"
    copy = rewrite(source, CloneType.TYPE_2, random.Random(0), NAMES, outer=0)
    assert "global g" in copy and "import os.path as p" in copy and "p.join(" in copy


@pytest.mark.parametrize(
    ("test", "opposite"),
    [("not a", "a"), ("a is None", "a is not None"), ("a in b", "a not in b"), ("a < b", "not a < b"), ("a", "not a")],
)
def test_the_opposite_of_a_condition(test: str, opposite: str) -> None:
    assert ast.unparse(negation(ast.parse(test, mode="eval").body)) == opposite


def test_only_a_function_can_be_rewritten() -> None:
    with pytest.raises(SyntaxError):
        rewrite("x = 1", CloneType.TYPE_1, random.Random(0), NAMES)
