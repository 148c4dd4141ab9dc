"""A server that others reach, without its network."""

from __future__ import annotations

import pytest
from streamlit import config
from streamlit.runtime.context import StreamlitCookies

from compressor_core.runs import RunStore
from compressor_core.runs.context import LONGEST_VARIABLE
from pages.parts import gate, sharing


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """The app as a shared server has it, on empty runs."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv(LONGEST_VARIABLE, "60")
    option = config.get_option
    monkeypatch.setattr(config, "get_option", lambda key: "0.0.0.0" if key == "server.address" else option(key))
    monkeypatch.setattr("streamlit.get_option", config.get_option)
    assert sharing.shared()
    monkeypatch.setattr(gate, "from_here", lambda: True)  # AppTest has no connection that could tell
    monkeypatch.setattr(StreamlitCookies, "get", lambda self, key: None)
    return RunStore()
