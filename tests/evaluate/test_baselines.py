"""Baselines that count tokens."""

from __future__ import annotations

import os
import subprocess
import sys

from compressor_core.data.dataset import Example
from compressor_core.evaluate.baselines import BagOfTokens, TokenOverlap


def function(body: str, label: int) -> Example:
    return Example((f"def f(x):\n    {body}",), label)


def test_a_bag_learns_which_tokens_tell_and_no_order() -> None:
    training = [function(f"return {call}(x, {n})", int(call == "eval")) for n in range(20) for call in ("eval", "int")]
    bag = BagOfTokens(training)
    asked = [
        function("return x + eval(x)", 1),
        function("return x + int(x)", 0),
        function("x = eval; return int(x)", 1),
    ]
    said = bag.predict([*asked, function("return unheard(of)", 0)]).tolist()
    assert said[:2] == [1, 0]
    reordered = BagOfTokens([Example((" ".join(reversed(e.codes[0].split())),), e.label) for e in training])
    assert reordered.predict(asked).tolist() == said[:3]


def test_overlap_takes_the_threshold_that_suits_training_best() -> None:
    def pair(shared: int, label: int) -> Example:
        words = [f"w{n}" for n in range(10)]
        return Example((" ".join(words), " ".join([*words[:shared], *(f"v{n}" for n in range(10 - shared))])), label)

    overlap = TokenOverlap([pair(9, 1), pair(8, 1), pair(5, 0), pair(2, 0), pair(7, 0)])
    assert overlap.threshold == 8 / 12
    assert overlap.predict([pair(10, 1), pair(8, 1), pair(7, 0)]).tolist() == [1, 1, 0]


def test_overlap_calls_nothing_a_clone_where_that_suits_best() -> None:
    assert TokenOverlap([Example(("a b", "a b"), 0)]).predict([Example(("a", "a"), 0)]).tolist() == [0]


def test_a_bag_is_the_same_in_every_process() -> None:
    """Strings have another hash in each, and with it sets another order."""
    program = (
        "from compressor_core.data.dataset import Example\n"
        "from compressor_core.evaluate.baselines import BagOfTokens\n"
        "codes = [f'def f{n}(a): return a + {n % 7} - b{n % 5} * c{n % 3}' for n in range(60)]\n"
        "print(BagOfTokens([Example((code,), n % 7 % 2) for n, code in enumerate(codes)])._weights.tolist())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1 and said != {b""}
