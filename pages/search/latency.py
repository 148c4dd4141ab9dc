"""Latency: calibrate this machine once to predict the latency of every architecture."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compressor_core.evaluate.settings import CalibrationSettings
from compressor_core.figures.cost.calibration import (
    RUNTIMES,
    LatencyInfo,
    error_sentence,
    latency_info,
    machine_sentence,
    noise_sentence,
    point_rows,
    stratum_sentence,
)
from compressor_core.figures.cost.calibration_plots import (
    measured_figure,
    parts_figure,
    predicted_figure,
    stratum_figure,
)
from compressor_core.records import CalibrationSummary
from compressor_core.runs import Run, Status
from compressor_core.task import PairFeatures, Task
from pages.parts.chart import chart
from pages.parts.explain import terms
from pages.parts.fields import number
from pages.parts.frame import link, metrics, open_page, sentences
from pages.parts.live import records, start, watch_chosen
from pages.parts.rows import table
from pages.parts.task import choose_pair_features, choose_task


def settings() -> None:
    with st.container(border=True):
        task = choose_task(
            help="A query of the clone task encodes two functions, so each task has a calibration of its own."
        )
        features = choose_pair_features("latency_pairs") if task is Task.CLONE else PairFeatures.COMPARE
        with st.expander("Settings of the calibration"):
            numbers = how_much()
        if st.button("Measure this machine", type="primary", icon=":material/play_arrow:"):
            name = f"{task.capitalize()}, {numbers['threads']} thread{'' if numbers['threads'] == 1 else 's'}"
            with sentences():
                asked = CalibrationSettings(task=task, pair_features=features, **numbers)
            start("calibrate", asked, name=name)


def how_much() -> dict[str, int]:
    """Fields for the extent of the calibration."""
    columns = iter(st.columns(6))

    def ask(name: str, title: str, low: int, high: int, **value: int) -> Any:
        return number(next(columns), CalibrationSettings, name, title, low, high, key=f"latency_{name}", **value)

    architectures = ask("architectures", "Architectures", 2, 500)
    return {
        "architectures": architectures,
        "held_out": ask("held_out", "Held out", 1, architectures - 1, value=min(12, architectures - 1)),
        "rounds": ask("rounds", "Rounds", 1, 100),
        "functions": ask("functions", "Queries", 1, 200),
        "threads": ask("threads", "Threads", 1, 256),
        "seed": ask("seed", "Seed", 0, 2**31 - 1),
    }


def show(run: Run, status: Status) -> None:
    info = latency_info(records(run))
    if status.live or info.summary is None:
        st.caption(
            f"{len(info.points)} architectures measured so far. "
            + (
                "Points move down a little from round to round, because the fastest round of each query counts."
                if status.live
                else "It ended before the fit, so there are no predictions: start another, or resume this one."
            )
        )
        chart(measured_figure(info), key=f"measured/{run.id}/live", alt="Operations against measured latency")
        if info.of_role("budget"):
            chart(stratum_figure(info), key=f"stratum/{run.id}/live", alt="GFLOPs against measured latency at one size")
        return
    runtime = st.segmented_control(
        "Runtime",
        list(RUNTIMES),
        default=next(iter(RUNTIMES)),
        required=True,
        key="latency_runtime",
        persist_state="session",
        format_func=RUNTIMES.__getitem__,
    )
    what_gflops_do_not_tell(info, run, runtime)
    how_good(info, run, runtime)
    what_it_is_made_of(info, run, runtime)
    how_measured(info, info.summary, run)


def what_gflops_do_not_tell(info: LatencyInfo, run: Run, runtime: str) -> None:
    st.header("What GFLOPs do not show", anchor=False)
    if sentence := stratum_sentence(info, runtime):
        st.markdown(f"### {sentence}")
    left, right = st.columns(2)
    with left:
        st.markdown("**Students of one size, by their number of layers**")
        chart(
            stratum_figure(info),
            key=f"stratum/{run.id}",
            alt=f"GFLOPs against measured latency at one size. {sentence}",
        )
        st.caption(
            "Each point is the architecture with the most GFLOPs for its number of layers, measured. If GFLOPs "
            "determined latency, the points would lie on a line through zero. The star is the result of a search "
            "for GFLOPs."
        )
    with right:
        st.markdown("**All measurements**")
        chart(measured_figure(info), key=f"measured/{run.id}", alt="Operations against measured latency")
        st.caption(
            "Points above each other have the same number of operations and several times the latency. Small "
            "models differ most; large ones come closer to a line."
        )
    terms("gflops", "forward-gflops", "latency")
    link("search", "Search with latency as a goal or a limit")


def how_good(info: LatencyInfo, run: Run, runtime: str) -> None:
    st.header("Accuracy of the predictions", anchor=False)
    error = info.held_out(runtime)
    if error is not None:
        metrics(
            ("Median error, held out", f"{error.median:.1%}"),
            ("Worst error, held out", f"{error.worst:.1%}"),
            ("Architectures held out", f"{error.architectures}"),
        )
        st.markdown(error_sentence(info, runtime))
    chart(predicted_figure(info, runtime), key=f"predicted/{run.id}", alt="Predicted against measured latency")
    st.caption(
        "A perfect prediction lies on the dotted line. Judge by the diamonds and squares, which were left out of "
        "the fit. Predictions for architectures far larger than these are extrapolated."
    )
    terms("latency-model", "held-out-error")


def what_it_is_made_of(info: LatencyInfo, run: Run, runtime: str) -> None:
    st.header("Where the time goes", anchor=False)
    chart(parts_figure(info, runtime), key=f"parts/{run.id}", alt="Parts of the predicted latency")
    st.caption(
        "GFLOPs count only matrix products: look at how much of the time of a thin, deep student goes elsewhere. The "
        "parts come from the fit: their sum is reliable, the border between two that grow alike is not."
    )


def how_measured(info: LatencyInfo, summary: CalibrationSummary, run: Run) -> None:
    st.header("How it was measured", anchor=False)
    st.markdown(machine_sentence(summary))
    st.caption(
        f"{noise_sentence(info)} The weights are random: latency does not depend on what a model has learned. On "
        "another machine, or with other threads, calibrate again."
    )
    terms("interleaving", "warm-up", "percentiles")
    rows = point_rows(info)
    names = list(rows[0]) if rows else []
    formats = {name: "%.3f" for name in names if "(" in name or "GFLOPs" in name}
    formats |= {name: "percent" for name in names if name.endswith("off by")}
    table(rows, f"points/{run.id}", formats, f"{run.id}.csv", height=300)


open_page(
    "latency",
    "GFLOPs say little about latency: this machine is measured once (about two minutes), and a model predicts the"
    " latency of every architecture.",
)
settings()
watch_chosen("calibrate", show)
