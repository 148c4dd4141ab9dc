"""The playground in a real browser: a link to it, pasted code, and both answers with the lines that mattered."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from compressor_core.files import write_json
from compressor_core.models.bundled import bundled_teacher
from compressor_core.runs import RunStore
from tests.browser.conftest import Visit, settled
from tests.runs import summaries

CODE = "def f(name):\n    x = '<img src=x onerror=\"document.title = 1\"><b>bold</b>'\n    return eval(name)\n"


@pytest.mark.timeout(300)
def test_pasted_code_is_answered_by_both_and_shown_as_it_is(visit: Visit) -> None:
    dataset = "classroom-vulnerability"
    model = str(bundled_teacher(dataset))
    run = RunStore().create("distill", {"dataset": dataset, "teacher": model}, name="the teacher itself")
    result = summaries.distilled(model).model_dump(mode="json")
    write_json(run.folder / "status.json", {"state": "finished", "result": result})
    page = visit(f"/playground?run={run.id}", width=390)
    settled(page)
    page.get_by_role("textbox", name="Function").fill(CODE)
    page.get_by_role("button", name="Ask both").click()
    expect(page.get_by_role("heading", name="Both say")).to_be_visible(timeout=120_000)
    expect(page.get_by_test_id("stMetric")).to_have_count(2)
    table = page.locator("table.lines")
    expect(table.locator("tbody tr")).to_have_count(3, timeout=120_000)
    expect(table.locator("td.code").nth(1)).to_have_text(CODE.splitlines()[1], use_inner_text=False)
    assert table.locator("img, b").count() == 0
    for side in ("teacher", "student"):
        assert table.locator(f"i.{side}").count() > 0
    # Nothing is wider than the phone.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
