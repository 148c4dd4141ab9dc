"""The registry of kinds: all that is known of one is said there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from compressor_core.records import SearchSummary
from compressor_core.runs.kinds import KINDS, Kind, kind_of
from pages.parts.frame import TABS


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_has_a_page_settings_and_work(kind: Kind) -> None:
    assert kind.page in {tab.name for tab in TABS}
    assert isinstance(kind.settings, type) and callable(kind.work)


def test_headlines() -> None:
    assert KINDS["search"].headline(None) == ""
    assert KINDS["search"].headline(SearchSummary(evaluations=1, seconds=1.0)) == "nothing within the budget"
    assert (
        KINDS["search"].headline(SimpleNamespace(best=SimpleNamespace(paper_gflops=2.18, size_mb=2.75)))
        == "2.18 GFLOPs at 2.75 MB"
    )
    assert kind_of("unheard of").headline({"some": 1}) == ""


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("calibrate", {"held_out_error": None}),
        ("calibrate", {"held_out_error": {}}),
        ("tradeoff", {"front": 3, "hypervolume_share": float("inf")}),
        ("distill", {}),
        ("compare", {"students": 3}),
        ("exam", {"models": 3}),
        ("probe", {"changes": 3}),
    ],
)
def test_a_damaged_result_is_said_to_be_one(kind: str, result: dict[str, Any]) -> None:
    assert KINDS[kind].headline(SimpleNamespace(**result)) == "a damaged result"
