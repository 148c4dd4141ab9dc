"""What visitors can make a shared server keep: one copy by content, no more than it has room for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.errors import StorageError
from compressor_core.language import LANGUAGE_NAMES
from compressor_core.runs import RunStore
from compressor_core.runs.run import Maker
from compressor_core.runs.uploads import FOLDER, uploaded_bytes
from pages.parts import sharing
from pages.parts.sharing import MOST_ADDRESS_UPLOADED, MOST_OWN_UPLOADED, MOST_UPLOADED, Senders, require_space
from pages.parts.state import DEFAULTS
from tests.pages.studio import button, field, no_traceback, page

ROWS = "".join(json.dumps({"func": f"int f{i}() {{ return {i}; }}", "label": i % 2}) + "\n" for i in range(4_000))


@pytest.fixture(autouse=True)
def _quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "dataset", "file")


def upload(at: AppTest, text: str = ROWS) -> AppTest:
    at.radio(key="dataset").set_value("file").run()
    field(at.file_uploader, "Upload a file").set_value(("rows.jsonl", text.encode(), "application/json")).run()
    no_traceback(at)
    return at


def test_a_change_of_mind_writes_no_other_copy(shared: RunStore) -> None:
    at = upload(page("teacher"))
    assert sum(int(str(one.value).replace(",", "")) for one in at.metric) == 4_000 and not at.error
    for language in list(LANGUAGE_NAMES)[:4]:
        field(at.selectbox, "Language").set_value(language).run()
        no_traceback(at)
    field(at.selectbox, "Label").set_value("func").run()
    assert len(ROWS) <= uploaded_bytes(shared) < len(ROWS) + 4_000
    assert len([path for path in (shared.root / FOLDER).iterdir() if path.stat().st_size >= len(ROWS)]) == 1
    assert sharing._senders(shared.root).of(shared.maker) == (uploaded_bytes(shared),) * 2, "choices count as well"


def test_uploads_have_an_end(shared: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    require_space(1_000_000, MOST_UPLOADED - 1_000_000, MOST_OWN_UPLOADED - 1_000_000)
    for full in ((MOST_UPLOADED, 0, 0), (0, MOST_OWN_UPLOADED, 0), (0, 0, MOST_ADDRESS_UPLOADED)):
        with pytest.raises(StorageError, match="upload"):
            require_space(1, *full)
    monkeypatch.setattr(sharing, "MOST_OWN_UPLOADED", len(ROWS))
    at = upload(page("teacher"))
    assert not at.error
    upload(at, ROWS + "\n")
    assert any("upload a smaller file" in one.value for one in at.error)
    assert uploaded_bytes(shared) < len(ROWS) + 1_000


def test_choices_alone_do_not_pass_the_limit(shared: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_OWN_UPLOADED", len(ROWS) + 500)
    at = upload(page("teacher"))
    assert not at.error
    for language in list(LANGUAGE_NAMES)[:4]:
        field(at.selectbox, "Language").set_value(language).run()
        no_traceback(at)
    assert any("upload a smaller file" in one.value for one in at.error)
    assert uploaded_bytes(shared) < len(ROWS) + 1_000


def test_who_reconnects_or_joins_again_gets_no_more(tmp_path: Path) -> None:
    """A new session is the same participant, and a new participant comes from the same address."""
    senders, file = Senders(), tmp_path / "rows.jsonl"
    file.write_text(ROWS)
    ann, ben = Maker(participant="ann", address="house"), Maker(participant="ben", address="house")
    for one in (ann, Maker(participant="ann", address="house"), ann):
        senders.add(one, file, 10)
    assert senders.of(ann) == (10, 10) and senders.of(ben) == (0, 10)
    assert senders.of(Maker(address="house")) == (10, 10)
    assert senders.of(Maker(participant="ann", address="train")) == (10, 0)
    file.unlink()
    assert senders.of(ann) == (0, 0), "what was cleared counts no more"


def test_nothing_is_kept_on_a_disk_that_is_nearly_full(shared: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    at = upload(page("teacher"))
    before = uploaded_bytes(shared)
    monkeypatch.setattr(sharing, "LEAST_FREE", 10**18)
    field(at.selectbox, "Language").set_value("java").run()
    no_traceback(at)
    assert any("of disk left" in one.value for one in at.error)
    assert uploaded_bytes(shared) == before


def test_what_no_run_uses_can_be_cleared() -> None:
    at = upload(page("teacher"))
    assert uploaded_bytes(RunStore()) > len(ROWS)
    at.switch_page("pages/classroom/runs.py").run()
    button(at, "Clear unused uploads").click().run()
    no_traceback(at)
    assert uploaded_bytes(RunStore()) == 0 and "Clear unused uploads" not in [one.label for one in at.button]
    at.switch_page("pages/train/teacher.py").run()
    no_traceback(at)
