"""Bandit, a rule-based static analyser for Python, as a baseline without learning.

Bandit (PyCQA, Apache-2.0, https://bandit.readthedocs.io) is an optional dependency. It is run unmodified on each
function in a separate file, without the imports of its module, so that it sees what a model sees.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from compressor_core.errors import SettingsError, TrainingError
from compressor_core.machine import installed_version


class Severity(StrEnum):
    """Severity of a finding according to Bandit's rules, in ascending order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


COUNTS = Severity.MEDIUM
"""Minimum severity of an alarm. Low findings are hints, such as any `assert` or any subprocess."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of Bandit."""

    rule: str
    """Number and name of the rule, such as "B608 hardcoded_sql_expressions"."""
    severity: Severity
    confidence: str
    weakness: str
    """CWE identifier, or empty."""
    line: int
    """Line number in the function, from 1."""
    text: str


def bandit_version() -> str | None:
    """Installed version, or None."""
    return installed_version("bandit")


def describe(counts: Severity = COUNTS) -> str:
    """One-line description with version and counted severities. Raises SettingsError if not installed."""
    named = {
        Severity.LOW: "all severities",
        Severity.MEDIUM: "severities medium and high",
        Severity.HIGH: "severity high",
    }
    return f"Bandit {_required()}, a static analyser with hand-written rules; {named[counts]} count"


def alarms(codes: Sequence[str], counts: Severity = COUNTS) -> list[bool | None]:
    """Whether Bandit finds anything of at least that severity in each function; None for unreadable ones."""
    return [None if own is None else alarm(own, counts) for own in findings(codes)]


def findings(codes: Sequence[str]) -> list[tuple[Finding, ...] | None]:
    """All findings of Bandit in each Python function, in line order; None for unreadable ones.

    One process reads all functions, about 500 per second. Suppression comments (`# nosec`) are ignored.

    Raises:
        SettingsError: Bandit is not installed.
        TrainingError: Bandit failed.
    """
    _required()
    with tempfile.TemporaryDirectory() as folder:
        for index, code in enumerate(codes):
            Path(folder, f"{index}.py").write_text(textwrap.dedent(code), "utf-8", errors="backslashreplace")
        options = ("--recursive", "--format", "json", "--quiet", "--exit-zero", "--ignore-nosec")
        done = subprocess.run(
            [sys.executable, "-m", "bandit", *options, folder],
            cwd=folder,
            env={**os.environ, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
    try:
        report = json.loads(done.stdout)
        found: defaultdict[int, list[Finding]] = defaultdict(list)
        for row in report["results"]:
            found[_index(row)].append(_finding(row))
        unread = {_index(row) for row in report["errors"]}
    except (ValueError, KeyError, TypeError) as error:
        said = done.stderr.strip().splitlines() or [repr(error)]
        raise TrainingError(f"Bandit failed ({said[-1]}): try another version") from error
    return [
        None if index in unread else tuple(sorted(found[index], key=lambda one: (one.line, one.rule)))
        for index in range(len(codes))
    ]


def words(found: Sequence[Finding] | None) -> str:
    """Description of Bandit, followed by its findings on one function. Raises SettingsError if not installed."""
    if found is None:
        said = "It cannot read this as Python"
    elif not found:
        said = "It finds nothing"
    else:
        listed = "; ".join(f"{one.rule}, {one.severity}, line {one.line}" for one in found)
        said = f"{'Alarm' if alarm(found) else 'Hints, no alarm'}: {listed}"
    return f"{describe()}. {said}."


def alarm(found: Sequence[Finding], counts: Severity = COUNTS) -> bool:
    """Whether any finding has at least that severity."""
    wanted = tuple(Severity)[tuple(Severity).index(counts) :]
    return any(finding.severity in wanted for finding in found)


def _required() -> str:
    if (installed := bandit_version()) is None:
        raise SettingsError("Bandit is not installed: pip install -r requirements-bandit.txt")
    return installed


def _index(row: Any) -> int:
    return int(Path(row["filename"]).stem)


def _finding(row: Any) -> Finding:
    number = row["issue_cwe"].get("id")
    return Finding(
        f"{row['test_id']} {row['test_name']}",
        Severity(row["issue_severity"].lower()),
        row["issue_confidence"].lower(),
        f"CWE-{number}" if number else "",
        row["line_number"],
        row["issue_text"],
    )
