"""Styles that the theme in `.streamlit/config.toml` cannot express: readable text and visible focus.

Checked with axe-core against the contrast ratios of WCAG 2: 4.5:1 for text, 3:1 for marks and focus rings.
"""

from __future__ import annotations

from html import escape
from typing import Final

import streamlit as st

from pages.parts import presenting
from pages.parts.explain import STYLE

_STYLE: Final = """
:root{--side:clamp(1rem,3vw,2rem)}
.stMainBlockContainer{max-width:1440px;margin:0 auto;padding:3.5rem var(--side) 2rem}
/* The navigation lies on Streamlit's own header, whose buttons stay at its right. */
.st-key-navigation{position:fixed;inset:0 0 auto 0;height:2.75rem;background:var(--page);z-index:999991;
padding:0 max(var(--side),calc(50vw - 720px + var(--side)));
flex-wrap:nowrap;align-items:center;overflow-x:auto;scrollbar-width:none}
.st-key-navigation>:first-child{margin-right:1.5rem;white-space:nowrap}
.st-key-navigation>:first-child p{font-weight:700}
:is(.st-key-navigation,.st-key-tabs) a{padding:.3rem .6rem;border-radius:0;border-bottom:2px solid transparent;
background:none}
:is(.st-key-navigation,.st-key-tabs) a p{white-space:nowrap;color:var(--quiet)}
[class*=st-key-here-] a{border-color:var(--focus)!important}
[class*=st-key-here-] a p{color:inherit;font-weight:600}
:has(>.st-key-card){position:sticky;top:3.25rem}
:has(>.stage-below-a-view){position:sticky;bottom:0;z-index:5;background:var(--page)}
/* The views of a search are as high as its stage. */
.st-key-drawn .stElementContainer:has(.stPlotlyChart){height:clamp(420px,65vh,900px)}
.st-key-heading h1{font-size:1.5rem;padding:0}
/* On a phone Search shows the button, the stage and the pick, and then the rest. */
@media(max-width:640px){.st-key-search :has(.st-key-begin,.st-key-played){display:contents}
.st-key-begin{order:-3}.st-key-played{order:-2}
.st-key-search .stColumn:has(.st-key-card){order:-1;flex:none;width:100%}}
@media(max-width:640px){.st-key-navigation>:first-child{display:none}.st-key-navigation a{padding:.3rem .4rem}}
/* The file of this button would hold names that a spreadsheet computes; what is to be taken away has one of ours. */
[data-testid=stElementToolbarButton]:has([aria-label="Download as CSV"]){display:none}
/* The choice of a view is as high while it loads as afterwards, so that the stage below it does not move. */
.st-key-view [data-testid=stSkeleton]{height:2rem}
/* Headings go down one level at a time, and sentences among them are no larger than they are important. */
[data-testid=stHeading] h2{font-size:1.65rem}
[data-testid=stMarkdown] h2,[data-testid=stMarkdown] h3{font-size:1.15rem;line-height:1.35;padding:.4rem 0 .6rem}
/* Streamlit fades captions until they can hardly be read. */
[data-testid=stCaptionContainer]{opacity:1;color:var(--quiet)}
[data-testid=stCaptionContainer] :is(p,li,span){color:inherit}
[data-testid=stExpander] summary{opacity:1}
[data-testid=stExpander] summary p{color:var(--quiet)}
/* It writes white on the primary colour in the dark theme too, where that is bright. */
[data-testid^=stBaseButton-primary]:not(:disabled) *,.stMultiSelect [data-tag] *{color:var(--on-primary)}
/* The chosen one of several has too little contrast under the pointer. */
.stButtonGroup [data-selected]:is([data-hovered],[data-focus-visible]){background:var(--soft)!important}
/* Plotly has one colour for a button that is pointed at, in light and in dark. */
.js-plotly-plot .updatemenu-item-rect{fill:var(--soft)!important}
:is(a,button,summary,input,textarea,[tabindex],[role=combobox]):focus-visible{
outline:3px solid var(--focus);outline-offset:2px}
"""
_VARIABLES: Final = {
    "light": {"page": "#ffffff", "on-primary": "#ffffff", "soft": "#eceff2", "quiet": "#4d5762", "focus": "#0b6fa4"},
    "dark": {"page": "#12171d", "on-primary": "#10151a", "soft": "#242c36", "quiet": "#b4bdc7", "focus": "#56b4e9"},
}
_CODE: Final = {
    "keyword function class-name tag selector builtin property variable": {"light": "#0b5c9e", "dark": "#7cc4ff"},
    "string char boolean number attr-value symbol": {"light": "#0f6b32", "dark": "#6fdc96"},
    "comment punctuation operator": {"light": "#5b6470", "dark": "#a9b2bc"},
}
"""Colours of code by kind of token."""


def picture(source: str, name: str) -> None:
    """Show an image as wide as its container and at most 16rem; `source` is its data URI."""
    st.html(f'<img alt="{escape(name)}" src="{escape(source)}" style="width:100%;max-width:16rem">')


def style(*, large: bool = False) -> None:
    """Add the CSS to the page, in the colours of the visitor's theme; with `large`, also that of present mode."""
    theme = st.context.theme.type or "light"
    variables = "".join(f"--{name}:{color};" for name, color in _VARIABLES[theme].items())
    words = "".join(
        f".stCode .token:is({','.join(f'.{kind}' for kind in kinds.split())}){{color:{colors[theme]}}}\n"
        for kinds, colors in _CODE.items()
    )
    st.html(f"<style>:root{{{variables}}}{_STYLE}{STYLE}{words}{presenting.STYLE * large}</style>")
