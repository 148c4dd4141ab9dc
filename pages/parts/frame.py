"""The frame of every page: its entry in the navigation, its opening, and errors as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from compressor_core.assets import ASSETS
from compressor_core.errors import CompressorError
from compressor_core.literal import literal
from pages.parts.look import style
from pages.parts.sharing import prepare, shared

_ENTERED = "entered-through-app"
_WANTED = "page-wanted"


@dataclass(frozen=True)
class Entry:
    """One page of the navigation."""

    name: str
    title: str
    icon: str
    heading: str

    @property
    def path(self) -> str:
        return f"pages/{self.name}.py"

    @property
    def default(self) -> bool:
        return self.name == "home"

    @property
    def url(self) -> str | None:
        return None if self.default else self.name


PAGES = (
    Entry("home", "Home", ":material/home:", "Compressor Studio"),
    Entry("teacher", "Teacher & data", ":material/school:", "Teacher and data"),
    Entry("search", "Search", ":material/travel_explore:", "Search for an architecture"),
    Entry("tradeoffs", "Trade-offs", ":material/swap_vert:", "Trade-offs between objectives"),
    Entry("sweeps", "Sweeps", ":material/stacked_line_chart:", "Compare searches"),
    Entry("latency", "Latency", ":material/timer:", "Latency on this machine"),
    Entry("distill", "Distill", ":material/science:", "Distill a student"),
    Entry("study", "Budgets", ":material/ssid_chart:", "What a megabyte buys"),
    Entry("compare", "Compare", ":material/balance:", "Compare teacher and student"),
    Entry("playground", "Playground", ":material/sports_esports:", "Try your own code"),
    Entry("export", "Export", ":material/ios_share:", "Export the student"),
    Entry("runs", "Runs", ":material/list_alt:", "Runs"),
    Entry("paper", "Paper", ":material/article:", "The paper, reproduced"),
)
QUESTIONS = {
    "home": "What do another budget or the other task give?",
    "teacher": "What does a teacher learn from, and how good is it?",
    "search": "Which architecture makes the most of a few megabytes?",
    "tradeoffs": "What if other things than size count?",
    "sweeps": "Was that luck, and what does another megabyte buy?",
    "latency": "Do GFLOPs predict latency?",
    "distill": "How does an architecture become a trained student?",
    "study": "How small may a student be?",
    "compare": "What did the student lose, and is it more than chance?",
    "playground": "What do both answer on my own code, and why?",
    "export": "How do I use the student elsewhere?",
    "runs": "Where are all runs?",
    "paper": "Do the results agree with the paper's?",
}
"""What each page answers: at the end of the page before it, the question leads on."""
_BY_NAME = {entry.name: entry for entry in PAGES}


def set_up() -> None:
    """What app.py does before anything else."""
    prepare()
    st.set_page_config(page_title="Compressor Studio", page_icon="🗜️", layout="wide")
    style()
    st.session_state[_ENTERED] = True


def arrive() -> None:
    """Go on to the page that a deep link asked for, see `open_page`."""
    if (wanted := st.session_state.pop(_WANTED, None)) is not None:
        name, parameters = wanted
        st.switch_page(_BY_NAME[name].path, query_params=parameters)


def open_page(name: str) -> None:
    """Open a page: heading, and what happens here, why, and what to do next (`assets/NAME.md`).

    Beside a folder named `pages`, a freshly started Streamlit server answers a deep link by running that page's
    file alone, without app.py: then the page sends itself through app.py first.
    """
    if _ENTERED not in st.session_state:
        st.session_state[_WANTED] = (name, st.query_params.to_dict())
        st.switch_page("app.py")
    st.title(_BY_NAME[name].heading, anchor=False)
    st.markdown((ASSETS / f"{name}.md").read_text("utf-8"))
    if shared():
        st.caption(
            ":material/groups: This server is shared: everyone who can reach it sees all runs, names and uploads. "
            "Your own runs you can cancel, as long as you do not reload the page."
        )


def lead_on(name: str) -> None:
    """The end of a page: the question that comes next, and the way to the page that answers it."""
    names = [entry.name for entry in PAGES]
    following = PAGES[(names.index(name) + 1) % len(PAGES)]
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(QUESTIONS[following.name], width="content")
        link(following.name, following.heading, icon=":material/arrow_forward:")


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
    st.page_link(_BY_NAME[name].path, label=label, icon=icon or _BY_NAME[name].icon, query_params=parameters or None)


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
