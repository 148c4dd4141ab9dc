"""Profiles of hypothesis, limits around every example, and the counts.

`ci` (the default) repeats the same few examples each time. The full form draws thousands of new ones:

    python -m pytest tests/fuzz --hypothesis-profile full

`FUZZ_EXAMPLES` says how many for each target, if not 1000.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

from tests.fuzz.guard import Counts, guarded

_SHARED: dict[str, Any] = {
    "deadline": None,  # see `guard`
    "database": None,
    # Real files and models: slow to draw, and made once for all examples of a test.
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    "print_blob": True,
}
settings.register_profile("ci", derandomize=True, max_examples=25, phases=(Phase.explicit, Phase.generate), **_SHARED)
# What is found is shrunk, and not explained: that takes minutes where an example is a page.
settings.register_profile(
    "full",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "1000")),
    phases=tuple(phase for phase in Phase if phase is not Phase.explain),
    **_SHARED,
)
settings.load_profile("ci")

_COUNTS = pytest.StashKey[Counts]()
_now = Counts()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Guard each example of a property, and note what they came to."""
    global _now
    test = getattr(item, "obj", None)
    if not is_hypothesis_test(test):
        return (yield)
    _now = Counts()
    handle: Any = test.hypothesis  # type: ignore[union-attr]
    if not hasattr(handle.inner_test, "guarded"):
        handle.inner_test = guarded(handle.inner_test, lambda: _now, item.config.stash[fault_handler_stderr_fd_key])
        handle.inner_test.guarded = True
    try:
        return (yield)
    finally:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        item.user_properties.append(("fuzz", {**_now.to_dict(), "process": peak}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The counts of all targets, also of those that other processes have run."""
    reports = [
        (report.nodeid.rpartition("::")[2], report.outcome, dict(report.user_properties)["fuzz"])
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, ())
        if report.when == "call" and "fuzz" in dict(report.user_properties)
    ]
    if not reports:
        return
    slowest = max(reports, key=lambda report: report[2]["longest"])
    largest = max(reports, key=lambda report: report[2]["peak"])
    terminalreporter.section("fuzzing")
    terminalreporter.write_line(
        f"{len(reports)} targets, {sum(counts['examples'] for *_, counts in reports):,} examples, "
        f"{sum(outcome == 'failed' for _, outcome, _ in reports)} failures; "
        f"the longest example {slowest[2]['longest']:.2f} s ({slowest[0]}); "
        f"the most memory of one {largest[2]['peak'] / 1e6:,.0f} MB ({largest[0]}), "
        f"of a whole process {max(counts['process'] for *_, counts in reports) / 1e6:,.0f} MB"
    )
