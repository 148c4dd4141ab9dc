"""What every verb says of itself: each option has words, its choices and its default."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from compressor_core import __version__
from compressor_core.cli.main import main
from compressor_core.cli.parser import parser


def verbs(of: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, inner in action.choices.items():
                yield from verbs(inner, f"{name} {verb}".strip())
    if name:
        yield name, of


VERBS = dict(verbs(parser("compressor")))


@pytest.mark.parametrize("name", VERBS)
def test_every_option_has_words_and_a_default(name: str) -> None:
    for action in VERBS[name]._actions:
        words = " ".join((action.help or "").split())
        where = f"{name} {action.option_strings or action.dest}"
        if isinstance(action, argparse._SubParsersAction):
            continue
        assert words, where
        flag = action.nargs == 0 and not isinstance(action, argparse.BooleanOptionalAction)
        if action.option_strings and not action.required and not flag:
            assert any(word in words for word in ("default", "ithout ", "where ", "needs ", "of --dataset")), where
        if action.choices:
            assert all(str(choice) in VERBS[name].format_help() for choice in action.choices), where


def test_the_top_has_examples_that_can_be_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    whole = parser("compressor")
    shown = [line.strip() for line in whole.format_help().splitlines() if line.startswith("  compressor ")]
    assert len(shown) == 7
    for line in shown[:-1]:
        assert whole.parse_args(line.split()[1:]).verb
    assert main(["--version"]) == 0 and __version__ in capsys.readouterr().out


def test_a_default_of_zero_or_one_is_a_number() -> None:
    """Python takes 0 for False and 1.0 for True."""
    words = " ".join(VERBS["train-teacher"].format_help().split())
    assert "Seed of the training (default: 0)" in words and "norm of a gradient (default: 1.0)" in words
