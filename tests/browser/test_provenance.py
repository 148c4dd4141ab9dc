"""Where a student comes from: from a search on its page to the card, the report and the table of the paper."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.models.card import read_card
from compressor_core.models.classifier import load
from compressor_core.runs import RunStore
from tests.browser.conftest import Visit, settled
from tests.report.story import done


@pytest.mark.timeout(600)
def test_a_picked_architecture_keeps_its_search_and_its_budget(
    visit: Visit, tmp_path: Path, tiny_teacher: Path
) -> None:
    """Search, Distill, Compare: the budget is on the card, the search in the report, the cell on Paper is filled."""
    data = tmp_path / "functions.jsonl"
    examples = ClassroomVulnerability().examples(Split.TEST)[:40]
    rows = [{"func": example.codes[0], "target": example.label} for example in examples]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    # A small encoder in a folder of CodeBERT's name stands in for it.
    load(tiny_teacher).save(tmp_path / "codebert-base")
    settings = {"base": str(tmp_path / "codebert-base"), "dataset": "devign", "data": str(data), "epochs": 1}
    teacher = done(RunStore(), "train-teacher", settings, "stands in for CodeBERT")

    page = visit("/search")
    page.get_by_role("button", name="Start the search").click()
    expect(page.locator("strong").filter(has_text="finished")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Distill this one").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Distill")
    settled(page)
    page.get_by_role("combobox", name="Teacher").click()
    page.get_by_role("option", name=re.compile("stands in for CodeBERT")).click()
    page.get_by_text("smoke (1 epoch)").click()
    page.get_by_role("button", name="Start distilling").click()
    page.get_by_role("button", name="Compare with the teacher").click(timeout=200_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Side by side")
    expect(page.get_by_text(re.compile("The student keeps .* of the teacher's accuracy"))).to_be_visible(
        timeout=200_000
    )
    compare, distill, search, _ = RunStore().list()
    assert (compare.kind, distill.kind, search.kind) == ("compare", "distill", "search")
    card = read_card(distill.folder / "model")
    assert card is not None and card.budget_mb == 3.0 and distill.settings.search_run == search.id

    with page.expect_download() as taken:
        page.get_by_role("button", name="Report").click()
    taken.value.save_as(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "A genetic algorithm keeps a population" in text and all(
        run.id in text for run in (search, teacher, distill, compare)
    )

    page = visit("/paper", tab=page)
    cells = page.locator("table.beside").first.locator("tbody tr").filter(has_text="3 MB").locator(".own")
    expect(cells.filter(has_text="functions")).to_have_count(1)
