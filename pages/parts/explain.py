"""Explanations of technical terms: a row of words, each with a pop-up."""

from __future__ import annotations

from functools import cache

import streamlit as st

from compressor_core.assets import ASSETS

TERMS = ASSETS / "terms"
STYLE = (
    ".stPopover button[kind=tertiary]{min-height:1.6rem;padding:0;color:inherit}"
    ".stPopover button[kind=tertiary] p{font-size:.875rem;text-decoration:underline dotted;text-underline-offset:.25em}"
    ".stPopover button[kind=tertiary]:hover p{text-decoration-style:solid}"
    ".stPopover button[kind=tertiary] [aria-hidden]{display:none}"
)
"""CSS that shows the pop-up buttons as words; `look.style` adds it to every page."""


def terms(*names: str) -> None:
    """Row of terms; a click on one explains it (`assets/terms/NAME.md`)."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("Terms here", width="content")
        for name in names:
            title, text = explained(name)
            with st.popover(title, type="tertiary"):
                st.markdown(text)


@cache
def explained(name: str) -> tuple[str, str]:
    """Title of a term, which is the bold first paragraph of its file, and the Markdown to draw.

    The last two paragraphs, source and place in the code, are drawn small.
    """
    *text, source, code = (TERMS / f"{name}.md").read_text("utf-8").strip().split("\n\n")
    return text[0].strip("*"), "\n\n".join([*text, f":small[{source}]  \n:small[{code}]"])
