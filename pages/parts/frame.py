"""Frame of every page: its entry in the navigation, its heading, and error messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.navigation.page import Page as StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

from compressor_core.errors import CompressorError
from compressor_core.literal import literal
from pages.parts.gate import admit, keep_token
from pages.parts.look import style
from pages.parts.presenting import present_button, presenting
from pages.parts.sharing import prepare, shared


@dataclass(frozen=True)
class Tab:
    """One page of the app: a file of the same name in `pages/`, in the folder of its section."""

    section: str
    name: str
    label: str
    question: str
    """Question that the tab answers; shown at the end of the previous tab."""

    @property
    def path(self) -> str:
        return f"pages/{SECTIONS[self.section]}/{self.name}.py"

    @property
    def url(self) -> str | None:
        return None if self is TABS[0] else self.name


SECTIONS = {
    "Start": "start",
    "Search": "search",
    "Train": "train",
    "Compare": "compare",
    "Try": "try_it",
    "Class": "classroom",
}
"""Entries of the navigation, each with the folder of its tabs."""
TABS = (
    Tab("Start", "start", "Start", "What about another budget or task?"),
    Tab("Search", "search", "Single search", "Which architecture makes the most of a few megabytes?"),
    Tab("Search", "tradeoffs", "Trade-offs", "What if more than size counts?"),
    Tab("Search", "sweeps", "Sweeps", "Was that luck, and what does another megabyte buy?"),
    Tab("Search", "latency", "Latency", "Do GFLOPs predict latency?"),
    Tab("Train", "distill", "Distill", "How does an architecture become a trained student?"),
    Tab("Train", "teacher", "Teacher & data", "What does a teacher learn from, and how good is it?"),
    Tab("Compare", "compare", "Side by side", "What did the student lose, and is it more than chance?"),
    Tab("Compare", "exam", "Exam", "Do they know more than their own test split?"),
    Tab("Compare", "lab", "Lab", "Do the answers hold when only the surface changes?"),
    Tab("Compare", "study", "What a megabyte buys", "How small may a student be?"),
    Tab("Compare", "paper", "Paper", "Do the results agree with the paper's?"),
    Tab("Try", "playground", "Playground", "What do both answer on my own code, and why?"),
    Tab("Try", "export", "Export", "How do I use the student elsewhere?"),
    Tab("Class", "board", "Board", "What has everybody in the class made?"),
    Tab("Class", "runs", "Runs", "Where are all runs?"),
)
_BY_NAME = {tab.name: tab for tab in TABS}


def set_up() -> None:
    """Set up the page; called first by app.py."""
    load_again()
    prepare()
    st.set_page_config(page_title="Compressor Studio", page_icon="🗜️", layout="wide")
    style(large=presenting())


def load_again() -> None:
    """Reload the first visit to a freshly started server, if it came by a deep link.

    If there is a folder `pages`, Streamlit looks up the URL there until the app has declared its pages, and tells the
    visitor that the page does not exist.
    """
    url = st.context.url or ""
    if PagesManager.uses_pages_directory and urlsplit(url).path.strip("/"):
        PagesManager.uses_pages_directory = False
        address = json.dumps(f"{url}?{urlencode(st.query_params.to_dict())}").replace("<", "\\u003c")
        st.html(f"<script>location.replace({address})</script>", unsafe_allow_javascript=True)
        st.stop()


def navigate() -> tuple[StreamlitPage, Tab]:
    """Draw the navigation; returns the page of the URL and its tab."""
    pages = [st.Page(tab.path, title=tab.label, url_path=tab.url, default=tab.url is None) for tab in TABS]
    # A section has a URL as well, which opens its first tab: people type /train.
    doors = [
        st.Page(partial(_go_in, name), url_path=name.lower(), title=name)
        for name in SECTIONS
        if name.lower() not in _BY_NAME
    ]
    chosen = st.navigation([*pages, *doors], position="hidden")
    if chosen in doors:
        chosen.run()
    here = _BY_NAME[chosen.url_path or TABS[0].name]
    with sentences():
        admit()
    with st.container(key="navigation", horizontal=True, gap=None):
        st.markdown("Compressor Studio", width="content")
        _links({section: _first(section) for section in SECTIONS}, here.section)
        with st.container(key="presenting", width="stretch", horizontal_alignment="right"):
            present_button()
            keep_token()
    return chosen, here


def _first(section: str) -> Tab:
    return next(tab for tab in TABS if tab.section == section)


def _go_in(section: str) -> None:
    st.switch_page(_first(section).path, query_params=st.query_params.to_dict())


def _links(tabs: Mapping[str, Tab], here: str) -> None:
    """Row of links, with the one labelled `here` marked."""
    for label, tab in tabs.items():
        # The key marks the link for CSS: a page link itself knows only whether exactly its page is open.
        with st.container(
            key=f"{'here' if label == here else 'there'}-{tab.name}-{tab.section == label}", width="content"
        ):
            st.page_link(tab.path, label=label)


def open_page(name: str, words: str) -> None:
    """Draw the heading of a tab, links to the other tabs of its section, and a description of at most two sentences."""
    here = _BY_NAME[name]
    with st.container(key="heading", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(here.label, anchor=False, width="content")
        beside = {tab.label: tab for tab in TABS if tab.section == here.section}
        if len(beside) > 1:
            with st.container(key="tabs", horizontal=True, gap=None, width="content"):
                _links(beside, here.label)
    st.caption(words)
    if shared():
        st.caption(":material/groups: This server is shared: everyone in the class sees all runs, names and uploads.")


def lead_on(here: Tab) -> None:
    """End a tab with the next question and a link to the tab that answers it."""
    following = TABS[(TABS.index(here) + 1) % len(TABS)]
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(following.question, width="content")
        link(following.name, following.label, icon=":material/arrow_forward:")


@contextmanager
def sentences() -> Iterator[None]:
    """Show an error of this program as a message and stop the page."""
    try:
        yield
    except CompressorError as error:
        say(error)
        st.stop()


def say(error: CompressorError) -> None:
    """Show an error of this program as a message; names in it are not read as Markdown."""
    st.error(literal(str(error)), icon=":material/error:")


def link(name: str, label: str, *, icon: str | None = None, **parameters: str) -> None:
    """Link to a page, with query parameters."""
    icon = icon or ":material/arrow_forward:"
    st.page_link(_BY_NAME[name].path, label=label, icon=icon, query_params=parameters or None)


def go(name: str, **parameters: str) -> None:
    """Switch to a page, with query parameters."""
    # Never None, which Streamlit refuses while a widget is bound to a query parameter.
    st.switch_page(_BY_NAME[name].path, query_params=parameters)


def metrics(*figures: tuple[str, str] | tuple[str, str, str]) -> None:
    """Row of metrics: title, value and, if given, a value to compare with."""
    with st.container(horizontal=True):
        for title, value, *against in figures:
            delta = literal(against[0]) if against else None
            st.metric(literal(title), literal(value), delta, delta_color="off", delta_arrow="off")
