"""The frame of every page: its entry in the navigation, its opening, and errors as sentences."""

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
    """One address of the app: a file in `pages/`, named after it, in the folder of its section."""

    section: str
    name: str
    label: str
    question: str
    """What the tab answers: at the end of the tab before it, the question leads on."""

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
"""The navigation: what is read there, and the folder of the tabs in it."""
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
    """What app.py does before anything else."""
    load_again()
    prepare()
    st.set_page_config(page_title="Compressor Studio", page_icon="🗜️", layout="wide")
    style(large=presenting())


def load_again() -> None:
    """Reload the first visit to a freshly started server, if it came by a deep link.

    Beside a folder named `pages`, Streamlit looks for the address in there until this app has said what its pages are,
    and tells the visitor that there is none.
    """
    url = st.context.url or ""
    if PagesManager.uses_pages_directory and urlsplit(url).path.strip("/"):
        PagesManager.uses_pages_directory = False
        address = json.dumps(f"{url}?{urlencode(st.query_params.to_dict())}").replace("<", "\\u003c")
        st.html(f"<script>location.replace({address})</script>", unsafe_allow_javascript=True)
        st.stop()


def navigate() -> tuple[StreamlitPage, Tab]:
    """The page that the address asks for and its tab, below the six entries of the navigation."""
    pages = [st.Page(tab.path, title=tab.label, url_path=tab.url, default=tab.url is None) for tab in TABS]
    # A section is an address as well, that of its first tab: /train is what people type.
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
    """Links in a row; the one that is `here` is marked."""
    for label, tab in tabs.items():
        # The key is the mark: a link knows of itself only whether its very page is open.
        with st.container(
            key=f"{'here' if label == here else 'there'}-{tab.name}-{tab.section == label}", width="content"
        ):
            st.page_link(tab.path, label=label)


def open_page(name: str, words: str) -> None:
    """Open a tab: its heading, the tabs beside it, and in at most two sentences what happens here."""
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
    """The end of a tab: the question that comes next, and the way to the tab that answers it."""
    following = TABS[(TABS.index(here) + 1) % len(TABS)]
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(following.question, width="content")
        link(following.name, following.label, icon=":material/arrow_forward:")


@contextmanager
def sentences() -> Iterator[None]:
    """Show an error of this program as the sentence it is, and end the page there."""
    try:
        yield
    except CompressorError as error:
        say(error)
        st.stop()


def say(error: CompressorError) -> None:
    """Show an error of this program as the sentence it is; names in it stay text."""
    st.error(literal(str(error)), icon=":material/error:")


def link(name: str, label: str, *, icon: str | None = None, **parameters: str) -> None:
    """A link to a page, with its query parameters."""
    icon = icon or ":material/arrow_forward:"
    st.page_link(_BY_NAME[name].path, label=label, icon=icon, query_params=parameters or None)


def go(name: str, **parameters: str) -> None:
    """Switch to a page, with its query parameters."""
    # Never None: that is refused while a widget is bound to a query parameter.
    st.switch_page(_BY_NAME[name].path, query_params=parameters)


def metrics(*figures: tuple[str, str] | tuple[str, str, str]) -> None:
    """Figures in a row: title, value and, if given, what to hold it against."""
    with st.container(horizontal=True):
        for title, value, *against in figures:
            delta = literal(against[0]) if against else None
            st.metric(literal(title), literal(value), delta, delta_color="off", delta_arrow="off")
