"""A near miss is the same function with one change that makes a difference."""

from __future__ import annotations

import ast
import random
from itertools import chain

import pytest

from compressor_core.data.classroom import split_of
from compressor_core.data.clones import near_miss_pairs
from compressor_core.data.dataset import Split
from compressor_core.data.families import PARTNERS
from compressor_core.data.hosts import standard_library_hosts
from compressor_core.data.near_misses import Miss, near_miss, without_own_names

DRAWS = 60


def changed(source: str) -> dict[Miss, set[str]]:
    """What many draws make of a function, by what was changed."""
    found: dict[Miss, set[str]] = {miss: set() for miss in Miss}
    for seed in range(DRAWS):
        if drawn := near_miss(source, random.Random(seed)):
            found[drawn[1]].add(drawn[0].split("\n", 1)[1].strip())
    return found


def places(one: object, other: object) -> int:
    """In how many places two syntax trees differ; an exchange of neighbours is one."""
    if isinstance(one, list) and isinstance(other, list):
        if len(one) == len(other) and sorted(map(written, one)) != sorted(map(written, other)):
            return sum(places(*pair) for pair in zip(one, other, strict=True))
        return int(list(map(written, one)) != list(map(written, other)))
    if isinstance(one, ast.AST) and type(one) is type(other):
        if isinstance(one, ast.BinOp) and isinstance(other, ast.BinOp) and written(one.left) == written(other.right):
            return int(written(one) != written(other))
        return sum(places(getattr(one, field, None), getattr(other, field, None)) for field in one._fields)
    return int(written(one) != written(other))


def written(node: object) -> str:
    return ast.dump(node) if isinstance(node, ast.AST) else repr(node)


def test_functions_of_the_library_differ_in_exactly_one_place() -> None:
    rng = random.Random(0)
    kinds = set()
    for host in standard_library_hosts()[::23]:
        if drawn := near_miss(host.source, rng):
            text, miss = drawn
            kinds.add(miss)
            assert places(ast.parse(host.source), ast.parse(text)) == 1, (miss, host.source, text)
            assert without_own_names(text) != without_own_names(host.source)
    assert kinds == set(Miss)


@pytest.mark.parametrize(
    ("source", "miss", "body"),
    [
        ("def f(a, b):\n    return a < b", Miss.OPERATOR, "return a <= b"),
        ("def f(a, b):\n    return a - b", Miss.ARGUMENT, "return b - a"),
        ("def f(a, b):\n    return g(a, b)", Miss.ARGUMENT, "return g(b, a)"),
        ("def f(a, b):\n    return a - b", Miss.VARIABLE, "return b - b"),
        ("def f(a):\n    return a[1:]", Miss.CONSTANT, "return a[2:]"),
        ("def f(n):\n    return range(n)", Miss.CONSTANT, "return range(n - 1)"),
        ("def f(a):\n    return min(a)", Miss.CALL, "return max(a)"),
        ("def f(a):\n    return a.lstrip()", Miss.CALL, "return a.rstrip()"),
        ("def f(a, b):\n    return a if b else 0", Miss.CONDITION, "return a if not b else 0"),
        ("def f(a):\n    return [b for b in a if b]", Miss.CONDITION, "return [b for b in a]"),
        ("def f(a, b):\n    a.append(b)\n    a.sort()\n    return a", Miss.STATEMENT, "a.append(b)\n    return a"),
        ("def f(a):\n    a.pop()\n    a.sort()\n    return a", Miss.STATEMENT, "a.sort()\n    a.pop()\n    return a"),
    ],
)
def test_each_kind_of_change(source: str, miss: Miss, body: str) -> None:
    assert body in changed(source)[miss]


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    pass",
        "def f(a: 'int') -> 'int':\n    return a",
        "def f(a):\n    print(a, 1)\n    return a",
        "def f():\n    unused = 3\n    return None",
        "def f(a):\n    return f'{a:>3}'",
        "def f(a):\n    while True:\n        yield a",
    ],
)
def test_what_makes_no_difference_stays(source: str) -> None:
    assert not any(chain.from_iterable(changed(source).values()))


def test_no_name_loses_its_value() -> None:
    source = "def f(a):\n    b = a.read()\n    b = b.strip()\n    return b"
    assert changed(source)[Miss.STATEMENT] == {"b = a.read()\n    return b"}


def test_copies_are_the_same_without_their_own_names() -> None:
    assert without_own_names("def f(a):\n  return a.B") == without_own_names("def g(c):\n    return c.b")
    assert without_own_names("def f(a, b):\n    return a") != without_own_names("def f(a, b):\n    return b")
    with pytest.raises(SyntaxError):
        without_own_names("x = 1")


def test_the_families_are_of_partners() -> None:
    assert all(name in PARTNERS[other] for name, others in PARTNERS.items() for other in others)


def test_pairs_are_twins_of_which_one_does_something_else() -> None:
    pairs = near_miss_pairs()
    assert pairs == near_miss_pairs() and len(pairs) > 1000
    assert {pair.group for pair in pairs} == {"clone", *Miss}
    for clone, missed in zip(pairs[::2], pairs[1::2], strict=True):
        assert (clone.label, missed.label) == (1, 0) and clone.codes[0] == missed.codes[0]
        assert split_of(clone.origin) is Split.TEST
    for pair in pairs[:60]:
        ast.parse(pair.codes[1])
