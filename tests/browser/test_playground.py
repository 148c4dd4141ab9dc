"""The playground in a real browser: a link to it, pasted code, and both answers with the lines that mattered."""

from __future__ import annotations

import random
import re

import pytest
from playwright.sync_api import expect

from compressor_core.bundled import bundled_teacher
from compressor_core.data.changes import CHANGES
from compressor_core.data.domain import domain
from compressor_core.data.exam import chips
from compressor_core.evaluate.prediction import predict_once
from compressor_core.figures.compare.answers import sure
from compressor_core.files import write_json
from compressor_core.language import Language
from compressor_core.models.classifier import load
from compressor_core.runs import RunStore
from compressor_core.task import Task
from tests.browser.conftest import Visit, settled, tick
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
    expect(page.get_by_role("heading", name=re.compile("^Both (say|are unsure)"))).to_be_visible(timeout=120_000)
    expect(page.get_by_test_id("stMetric")).to_have_count(2)
    table = page.locator("table.lines")
    expect(table.locator("tbody tr")).to_have_count(3, timeout=120_000)
    expect(table.locator("td.code").nth(1)).to_have_text(CODE.splitlines()[1], use_inner_text=False)
    assert table.locator("img, b").count() == 0
    for side in ("teacher", "student"):
        assert table.locator(f"i.{side}").count() > 0
    # Nothing is wider than the phone.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.timeout(300)
def test_a_verified_pair_is_asked_before_and_after_its_quotes_are_swapped(visit: Visit) -> None:
    """The story of whoever tries the app first: a chip, an edit, and the answers that the core gives to both texts."""
    dataset = "classroom-vulnerability"
    model = bundled_teacher(dataset)
    run = RunStore().create("distill", {"dataset": dataset, "teacher": str(model)}, name="the teacher itself")
    result = summaries.distilled(str(model)).model_dump(mode="json")
    write_json(run.folder / "status.json", {"state": "finished", "result": result})
    chip = next(one for one in chips(Task.VULNERABILITY) if one.title == "CWE-89 SQL injection")
    page = visit(f"/playground?run={run.id}")
    settled(page)
    tick(page, chip.title)
    expect(page.get_by_role("textbox", name="Function")).to_have_value(chip.codes[0])
    known = domain(dataset)
    assert known is not None
    expect(page.get_by_text(known.sentence)).to_be_visible(timeout=120_000)
    tick(page, CHANGES["quotes"].description)
    expect(page.get_by_text("The code does what it did.")).to_be_visible(timeout=60_000)
    swapped = CHANGES["quotes"].apply(chip.codes[0], Language.PYTHON, random.Random(0))
    assert swapped is not None and swapped != chip.codes[0]
    settled(page)
    for when, code in (("before", chip.codes[0]), ("after", swapped)):
        answer = predict_once(load(model), (code,))
        for side in ("Teacher", "Student"):
            shown = page.get_by_test_id("stMetric").filter(has_text=f"{side} {when}")
            expect(shown).to_contain_text(re.compile(f"{answer.label}|unsure"))
            expect(shown).to_contain_text(sure(answer))
