"""The fault suite in a reduced, seeded form; in full: `python -m tests.faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.table import FAULTS, Fault, lines, run


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.reduced], ids=lambda fault: fault.title)
def test_nothing_is_lost_and_the_app_answers(fault: Fault, tmp_path: Path) -> None:
    tally = run(fault, fault.reduced, seed=0, folder=tmp_path)
    if tally.skipped is not None:
        pytest.skip(tally.skipped)
    print("\n".join(lines([tally])))
    assert tally.times >= fault.reduced
    assert tally.checks
    assert not tally.failures
