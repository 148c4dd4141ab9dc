"""Bandit as a baseline: the real package, as a user has it."""

from __future__ import annotations

import sys

import pytest

from compressor_core.errors import SettingsError, TrainingError
from compressor_core.evaluate import bandit
from compressor_core.evaluate.bandit import Severity, alarms, describe, findings, words

SHELL = "def run(name):\n    import os\n    os.system('ls ' + name)"
ASSERTION = "def head(items):\n    assert items  # nosec\n    return items[0]"
CLEAN = "def add(a, b): return a + b"


def test_findings_of_each_function_in_its_order() -> None:
    clean, shell, assertion, broken, method = findings(
        [CLEAN, SHELL, ASSERTION, "int main(void) { return 0; }", "    def area(self):\n        return eval(self.text)"]
    )
    assert clean == ()
    assert broken is None
    assert shell is not None and assertion is not None and method is not None
    worst = shell[-1]
    assert worst.rule == "B605 start_process_with_a_shell"
    assert (worst.severity, worst.confidence, worst.weakness, worst.line) == (Severity.HIGH, "high", "CWE-78", 3)
    assert [finding.severity for finding in assertion] == [Severity.LOW]
    assert [finding.line for finding in method] == [2]


def test_only_what_is_grave_enough_is_an_alarm() -> None:
    codes = [CLEAN, SHELL, ASSERTION, "def f(:"]
    assert alarms(codes, Severity.LOW) == [False, True, True, None]
    assert alarms(codes) == alarms(codes, Severity.HIGH) == [False, True, False, None]


def test_a_function_is_judged_alone() -> None:
    """An import in one function tells nothing about the next."""
    importing = "def a(x):\n    from pickle import loads\n    return loads(x)"
    assert alarms([importing, "def b(x):\n    return loads(x)"]) == [True, False]


def test_it_says_what_it_is() -> None:
    assert describe() == (
        f"Bandit {bandit.bandit_version()}, a static analyser with hand-written rules; severities medium and high count"
    )


def test_what_it_says_of_one_function() -> None:
    said = [words(found) for found in findings([CLEAN, SHELL, ASSERTION, "def f(:"])]
    assert all(one.startswith(f"{describe()}. ") for one in said)
    assert said[0].endswith("It finds nothing.") and said[3].endswith("It cannot read this as Python.")
    assert "Alarm: " in said[1] and said[1].endswith("B605 start_process_with_a_shell, high, line 3.")
    assert "Hints, no alarm: B101 assert_used, low, line 2." in said[2]


def test_one_sentence_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandit, "bandit_version", lambda: None)
    for ask in (describe, lambda: findings([CLEAN])):
        with pytest.raises(SettingsError, match=r"^Bandit is not installed: pip install -r requirements-bandit.txt$"):
            ask()


def test_one_sentence_where_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TrainingError, match="Bandit failed"):
        findings([CLEAN])
