"""Parts of the playground: pairs of the exam to start with, one-click edits, and the findings of Bandit."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from compressor_core.data.changes import change_example, changes_for
from compressor_core.data.exam import Chip, chips
from compressor_core.evaluate.bandit import Finding, bandit_version, findings, words
from compressor_core.figures.compare.answers import AnswersInfo, edit_metrics, edit_sentence
from compressor_core.figures.compare.probe import edit
from compressor_core.language import Language
from compressor_core.literal import literal
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.frame import metrics
from pages.parts.playground import Place, answers

OTHER = "other"
"""Key of the edit that gives the other half of a pair."""


def chosen_chip(task: Task, language: Language | None) -> Chip | None:
    """Show pairs of the exam as chips; returns the one that was just clicked, or None."""
    titles = {chip.title: chip for chip in chips(task, language)}
    key, seen = f"chip/{task}/{language}", f"chip-seen/{task}/{language}"
    title = st.pills("Written and checked by hand", list(titles), key=key, persist_state="session")
    new = title is not None and title != st.session_state.get(seen)
    st.session_state[seen] = title
    return titles[title] if new and title is not None else None


def chip_of(task: Task, language: Language | None, codes: tuple[str, ...]) -> Chip | None:
    """Pair of which `codes` are one half, with this half as its `codes`; None if there is none."""
    for chip in chips(task, language):
        if _words(chip.codes) == _words(codes):
            return chip
        if _words(chip.other) == _words(codes):
            return replace(chip, codes=chip.other, other=chip.codes, truths=chip.truths[::-1])
    return None


def _words(codes: tuple[str, ...]) -> list[list[str]]:
    """Words of each code, for comparison: a text box returns other line endings than it was given."""
    return [code.split() for code in codes]


def show_fix(chip: Chip) -> None:
    """Show the reason for the labels of a pair and, if they differ, the fix as a diff."""
    st.caption(literal(chip.reason))
    if chip.truths[0] != chip.truths[1]:
        unsafe, fixed = (chip.codes, chip.other) if chip.truths[0] else (chip.other, chip.codes)
        st.code(edit(unsafe, fixed), language="diff", wrap_lines=True)


@st.cache_data(max_entries=50, show_spinner="Bandit reads the code")
def ruled(code: str) -> tuple[Finding, ...] | None:
    return findings([code])[0]


def show_rules(code: str) -> None:
    """Show Bandit's findings on a Python function, if Bandit is installed."""
    if bandit_version() is not None:
        st.markdown(f":material/rule: **A tool with rules, no model:** {literal(words(ruled(code)))}")


def show_edits(
    places: Mapping[str, Place], before: AnswersInfo, codes: tuple[str, ...], chip: Chip | None, language: Language
) -> None:
    """Show the edits that change the code, and the answers before and after the chosen one."""
    kinds = {OTHER: "The other half of the pair" if len(codes) == 1 else "The two functions exchanged"} if chip else {}
    edited = {OTHER: chip.other} if chip else {}
    for change in changes_for(language):
        after, done = change_example(codes, language, random.Random(0), [change])
        if done:
            kinds[change.name], edited[change.name] = change.description, after
    if not kinds:
        return
    st.markdown("**Change the code and ask again**")
    key = f"edit/{'/'.join(kinds)}"  # available edits depend on the code
    name = st.pills("Edit", list(kinds), key=key, format_func=kinds.__getitem__, label_visibility="collapsed")
    if name is None:
        return
    after = edited[name]
    changed = replace(before, truth=chip.truths[1]) if chip and name == OTHER else before
    answered = replace(changed, answers=answers(places, after))
    st.markdown(literal(edit_sentence(before, answered)))
    metrics(*edit_metrics(before, answered))
    st.code(edit(codes, after), language="diff", wrap_lines=True)
    terms("consistency")
