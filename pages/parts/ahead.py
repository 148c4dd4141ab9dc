"""Work ahead of need: of the server before its first visitor, and of the browser while a visitor reads the first page.

Otherwise Streamlit loads the scripts for charts and tables with the first chart, which then waits a second for 5 MB.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st

DRAWN_WITH: Final = ("PlotlyChart", "DataFrame")
_SCRIPT: Final = """<script>
(window.requestIdleCallback || setTimeout)(async () => {
    // They lie beside the program that the page itself has come with.
    const own = document.querySelector('script[type=module][src]').src;
    await Promise.all([NAMES].map(name => import(new URL(name, own)))).catch(() => null);
    if (!window.Plotly || window.drawnOnce || document.querySelector('[data-testid=stPlotlyChart]')) return;
    // What is run for the first time is translated first: better while nobody waits. Nobody sees this figure.
    window.drawnOnce = true;
    const place = document.body.appendChild(document.createElement('div'));
    place.style.cssText = 'position: absolute; left: -9999px; visibility: hidden';
    const steps = ['0', '1'].map(label => ({label, method: 'animate', args: [[label]]}));
    const data = ['markers', 'lines'].map(mode => ({x: [1, 10, 100], y: [1, 20, 300], mode, name: mode}));
    const axis = {type: 'log', automargin: true, title: {text: 'axis'}};
    const buttons = [{label: 'Play', method: 'animate', args: [null]}];
    const layout = {xaxis: axis, yaxis: axis, sliders: [{steps}], updatemenus: [{type: 'buttons', buttons}]};
    await Plotly.newPlot(place, data, layout).catch(() => null);
    Plotly.purge(place);
    place.remove();
});
</script>"""


@cache
def programs() -> tuple[str, ...]:
    """Names of the Streamlit scripts that the browser will load; empty if Streamlit renames them."""
    folder = Path(st.__file__).parent / "static" / "static" / "js"
    return tuple(path.name for name in DRAWN_WITH for path in folder.glob(f"{name}.*.js"))


def fetch_ahead() -> None:
    """Let the browser, when idle, fetch the scripts and draw one hidden figure, once per visit."""
    names = ", ".join(f"'./{name}'" for name in programs())
    st.html(_SCRIPT.replace("NAMES", names), unsafe_allow_javascript=True)


def get_ready() -> None:
    """Import what Start needs and begin its search, while the first browser still loads Streamlit's own program."""
    from pages.parts import explain, explorer, frame, pace, stage, task  # noqa: F401
    from pages.parts.example import example
    from pages.parts.state import DEFAULTS

    example(DEFAULTS["space"], DEFAULTS["task"])
