"""Initial values of a visitor's settings. Widgets keep their values across pages (`persist_state`)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

from compressor_core.architecture import SPACES
from compressor_core.bundled import FROM_SCRATCH
from compressor_core.figures.words.forms import gene_text
from compressor_core.task import Task


def gene_key(gene: str) -> str:
    """Key of the text field of one gene's values."""
    return f"space_{gene}"


def fill_space(name: str) -> None:
    """Write the values of a named search space into the fields of its genes."""
    for gene, values in SPACES[name]().to_dict().items():
        st.session_state[gene_key(gene)] = gene_text(values)


def from_address(name: str, key: str, read: Callable[[str], Any]) -> bool:
    """Copy a value from the URL into the session, once per session; invalid values are ignored."""
    if st.session_state.setdefault(f"address/{name}", st.query_params.get(name)) is None:
        return False
    try:
        st.session_state[key] = read(st.session_state[f"address/{name}"])
    except ValueError:
        st.query_params.pop(name, None)
        return False
    finally:
        st.session_state[f"address/{name}"] = None
    return True


def to_address(name: str, value: str) -> None:
    """Keep a choice in the URL, which stays short: the initial choice is left out."""
    if value != DEFAULTS[name]:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def _one_of(names: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return text

    return read


JAVA = "java"
"""Clone detection in Java, from CodeBERT: a choice of task that only Start offers."""
NEWEST = "newest"
"""Stands for the newest calibration until the visitor makes a choice."""

BOARDS = {"board": "Board", "forecasts": "Forecasts"}
"""Views of the class board."""

DEFAULTS: dict[str, Any] = {
    "story_preset": "quick",
    "show": "board",
    "task": "vulnerability",
    "budget_mb": 3.0,
    "constraint": "cap",
    "seed": 0,
    "population": 50,
    "generations": 100,
    "crossover_rate": 0.6,
    "mutation_rate": 0.5,
    "operators": "studio",
    "goal": "gflops",
    "max_latency_ms": None,
    "min_gflops": None,
    "latency_model": NEWEST,
    "space": "classroom",
    "tradeoff_seed": 0,
    "tradeoff_population": 100,
    "tradeoff_generations": 100,
    "architecture": "2000,144,3,8,128",  # the best of the default space within 3 MB
    "teacher": None,
    "preset": "quick",
    "dataset": "classroom-vulnerability",
    "data_path": "",
    "base": FROM_SCRATCH,
    "base_name": "",
    "student": None,
    "compared_family": None,
    "compared_students": [],
}


def _task(text: str) -> str:
    """The task that a URL names; `java` is clone detection with the benchmark's student."""
    st.session_state.java_clones = text == JAVA
    return "clone" if text == JAVA else Task(text).value


def begin() -> None:
    """Set every missing setting to its initial value; called at the start of each rerun of the app."""
    for key, value in DEFAULTS.items():
        st.session_state.setdefault(key, value)
    from_address("task", "task", _task)
    from_address("show", "show", _one_of(BOARDS))
    if from_address("space", "space", _one_of(SPACES)) or gene_key("vocab_size") not in st.session_state:
        fill_space(st.session_state.space)
