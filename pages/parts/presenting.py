"""Present mode for a projector: no navigation, large type and marks, full width. Key F or `?present=1`."""

from __future__ import annotations

import streamlit as st

_KEY = "presenting"
TYPE, MARK = 20, 16
"""Smallest size of type in charts and of marks, in pixels."""
STYLE = """
html{font-size:23px}
.stMainBlockContainer{max-width:none;padding:1rem var(--side)}
[data-testid=stHeader],.st-key-tabs{display:none}
/* Not `display: none`: the key F belongs to a button in there. */
.st-key-navigation{clip-path:inset(50%);pointer-events:none}
.anatomy,.anatomy small,.anatomy-parts,.budget-ticks{font-size:20px!important}
.anatomy text,.anatomy select,.budget-measured{font-size:20px!important}
[data-testid=stMarkdownContainer] code,textarea,.beside :is(.note,.none,.label),
.lines,.lines :is(th,.none,.more){font-size:20px!important}
.anatomy-genes label{grid-template-columns:1fr 1fr!important}.anatomy-genes small{grid-column:1/-1}
"""


def presenting() -> bool:
    """Whether present mode is on; the URL keeps it on every page."""
    if "present" in st.query_params:
        st.session_state[_KEY] = st.query_params["present"] == "1"
    elif st.session_state.get(_KEY):
        st.query_params["present"] = "1"
    return bool(st.session_state.get(_KEY))


def present_button() -> None:
    """Button that starts or ends present mode; the key F works even if the button is hidden."""

    def toggle() -> None:
        st.session_state[_KEY] = not st.session_state.get(_KEY)
        st.query_params.pop("present", None)

    st.button("Present", key="present", type="tertiary", shortcut="F", on_click=toggle)
