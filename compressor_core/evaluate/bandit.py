"""Bandit, a static analyser with rules for Python, as a baseline: what a tool without learning says of a function.

Bandit (PyCQA, Apache-2.0, https://bandit.readthedocs.io) is an extra of this program. It is run as it is, on each
function in a file of its own, without the imports of the module that it comes from: it sees what a model sees.
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
    """How grave Bandit's own rules call a finding, rising."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


COUNTS = Severity.MEDIUM
"""The severity from which a finding counts as an alarm. Low ones are hints, such as any `assert` or any subprocess."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One alarm of Bandit."""

    rule: str
    """Its number and name, such as "B608 hardcoded_sql_expressions"."""
    severity: Severity
    confidence: str
    weakness: str
    """CWE identifier, or empty."""
    line: int
    """From 1, in the function."""
    text: str


def bandit_version() -> str | None:
    """The version that is installed, or None."""
    return installed_version("bandit")


def describe(counts: Severity = COUNTS) -> str:
    """A line on what it is, with its version and the severities that count. Raises SettingsError if not installed."""
    named = {
        Severity.LOW: "all severities",
        Severity.MEDIUM: "severities medium and high",
        Severity.HIGH: "severity high",
    }
    return f"Bandit {_required()}, a static analyser with hand-written rules; {named[counts]} count"


def alarms(codes: Sequence[str], counts: Severity = COUNTS) -> list[bool | None]:
    """Whether Bandit finds anything of at least that severity in each function; None where it cannot read one."""
    return [None if own is None else alarm(own, counts) for own in findings(codes)]


def findings(codes: Sequence[str]) -> list[tuple[Finding, ...] | None]:
    """All that Bandit finds in each Python function, in the order of lines; None where it cannot read one.

    One process reads them all, about 500 functions a second. Comments that silence it (`# nosec`) are ignored.

    Raises:
        SettingsError: Bandit is not installed.
        TrainingError: it failed by itself.
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
        raise TrainingError(f"Bandit failed ({said[-1]}): try another version of it") from error
    return [
        None if index in unread else tuple(sorted(found[index], key=lambda one: (one.line, one.rule)))
        for index in range(len(codes))
    ]


def words(found: Sequence[Finding] | None) -> str:
    """What it says of one function, after what it is. Raises SettingsError if not installed."""
    if found is None:
        said = "It cannot read this as Python"
    elif not found:
        said = "It finds nothing"
    else:
        listed = "; ".join(f"{one.rule}, {one.severity}, line {one.line}" for one in found)
        said = f"{'Alarm' if alarm(found) else 'Hints, no alarm'}: {listed}"
    return f"{describe()}. {said}."


def alarm(found: Sequence[Finding], counts: Severity = COUNTS) -> bool:
    """Whether any finding is of at least that severity."""
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
