"""The search that Start plays until a visitor starts one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from compressor_core.architecture import SPACES
from compressor_core.figures.search.info import SearchInfo, search_info
from compressor_core.search.genetic import SearchSettings, search
from compressor_core.task import Task


@st.cache_resource(max_entries=8, show_spinner=False)
def example(space: str, task: str) -> Future[SearchInfo]:
    """Real search at 3 MB with the first seed, run once per server in the background."""
    settings = SearchSettings(budget_mb=3.0, space=SPACES[space](), task=Task(task))
    pool = ThreadPoolExecutor(1, thread_name_prefix="example")
    made = pool.submit(lambda: search_info(list(search(settings)), settings))
    pool.shutdown(wait=False)
    return made
