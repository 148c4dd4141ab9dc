"""The stage: the animated replay of a search, in a fixed place on the page.

`compressor_core.figures.search.stage` provides the data; the browser plays it (`web/stage.js`) with Plotly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import streamlit as st

from compressor_core.architecture import SearchSpace
from compressor_core.figures.search.info import SearchInfo, search_info
from compressor_core.figures.search.stage import stage as played
from compressor_core.figures.words.captions import population_words
from compressor_core.records import Measured
from compressor_core.runs import Run
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.known import known_front
from compressor_core.task import Task
from pages.parts.live import records
from pages.parts.plotly_js import NAME
from pages.parts.presenting import presenting

_WEB: Final = Path(__file__).parent / "web"


def component(name: str) -> Any:
    """Component made of `web/NAME.html`, `.css` and `.js`.

    Its data are sent in a list: Streamlit searches a dictionary for tables, for which it imports pandas.
    """
    html, css, js = ((_WEB / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    mount = st.components.v2.component(name, html=html, css=css, js=js, isolate_styles=False)
    return lambda *, data, **more: mount(data=[data], **more)


_STAGE: Final = component("stage")


def stage(
    info: SearchInfo | None,
    *,
    run: str,
    space: SearchSpace,
    task: Task,
    budget_mb: float,
    live: bool = False,
    plays: bool = False,
    asked_mb: float | None = None,
    picked: Measured | None = None,
    look: Literal["short", "tall", "control"] = "short",
) -> None:
    """Draw the stage; a click on a mark picks its architecture.

    `run` identifies the search: the replay of the same one continues where it is. With `plays` the replay starts by
    itself. It follows the budget slider, which is at `asked_mb`: a population of another budget turns grey. With the
    look `control` it is the control bar of another view, which draws the generation of `generation_shown`.
    """
    front = front_of(space, task)
    key = f"stage/{run}"

    def pick() -> None:
        if clicked := st.session_state[key].picked:
            st.session_state.architecture = clicked

    def turn() -> None:
        st.query_params["at"] = str(st.session_state[key].generation)

    with st.container(key="stage"):
        _STAGE(
            key=key,
            data={
                **played(info, front, budget_mb=budget_mb, picked=picked, large=presenting(), live=live),
                "run": run,
                "budget": budget_mb,
                "large": presenting(),
                "live": live,
                "plays": plays,
                "asked": budget_mb if asked_mb is None else asked_mb,
                "at": generation_shown(),
                "look": look,
                "idle": "Move the budget: the star is the best architecture of the whole space within it.",
                "words": population_words(info) if info else "The best architectures of the whole space at each size.",
                "program": NAME,
            },
            on_picked_change=pick,
            on_generation_change=turn,
        )


def generation_shown() -> int | None:
    """Number of the generation in the URL, or None."""
    at = st.query_params.get("at", "")
    return int(at) if at.isascii() and at.isdigit() and len(at) < 6 else None


def stage_of(run: Run, *, live: bool, **more: Any) -> None:
    """Draw the stage of a search run, playing by default; `more` as for `stage`."""
    asked: SearchSettings = run.settings
    stage(
        search_info(records(run), asked),
        run=run.id,
        space=asked.space,
        task=asked.task,
        budget_mb=asked.budget_mb,
        live=live,
        **{"plays": True, **more},
    )


@st.cache_data(show_spinner=False)
def _front(name: str, task: str) -> tuple[Measured, ...]:
    return known_front(name, Task(task))


def front_of(space: SearchSpace, task: Task) -> tuple[Measured, ...]:
    """Exact front of a named space; empty for a custom space."""
    return _front(space.name, task) if space.name else ()
