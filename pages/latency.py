"""Latency: this machine measured once, and what that says about every architecture."""

from __future__ import annotations

import streamlit as st

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
from compressor_core.runs import Run, Status
from compressor_core.task import PairFeatures, Task
from pages.parts.chart import chart
from pages.parts.explain import terms
from pages.parts.frame import link, metrics, open_page
from pages.parts.live import chosen_run, open_earlier, records, start, watch
from pages.parts.rows import table
from pages.parts.task import choose_pair_features, choose_task


def settings() -> None:
    with st.container(border=True):
        task = choose_task(
            help="A query of the clone task encodes two functions, so each task has a calibration of its own."
        )
        features = choose_pair_features("latency_pairs") if task is Task.CLONE else PairFeatures.COMPARE
        with st.expander("Settings of the calibration"):
            config = numbers()
        if st.button("Measure this machine", type="primary", icon=":material/play_arrow:"):
            name = f"{task.capitalize()}, {config['threads']} thread{'' if config['threads'] == 1 else 's'}"
            start("calibrate", {"task": task.value, "pair_features": features.value, **config}, name=name)


def numbers() -> dict[str, int | float]:
    """How much is measured, and how carefully."""
    first, second, third, fourth, fifth, sixth = st.columns(6)
    architectures = first.number_input(
        "Architectures", 2, 500, 40, key="latency_architectures", persist_state="session", help="Without the stratum."
    )
    held_out = second.number_input(
        "Held out",
        1,
        int(architectures) - 1,
        min(12, int(architectures) - 1),
        key="latency_held_out",
        persist_state="session",
        help="Measured to judge the predictions, and left out of the fit.",
    )
    rounds = third.number_input(
        "Rounds",
        1,
        100,
        5,
        key="latency_rounds",
        persist_state="session",
        help="Each query's fastest round counts: more rounds, less noise.",
    )
    functions = fourth.number_input("Queries", 1, 200, 12, key="latency_functions", persist_state="session")
    threads = fifth.number_input(
        "Threads", 1, 256, 1, key="latency_threads", persist_state="session", help="As the student will run."
    )
    seed = sixth.number_input("Seed", 0, 2**31 - 1, 0, key="latency_seed", persist_state="session")
    return {
        "architectures": architectures,
        "held_out": held_out,
        "rounds": rounds,
        "functions": functions,
        "threads": threads,
        "seed": seed,
    }


def show(run: Run, status: Status) -> None:
    info = latency_info(records(run))
    if status.live or status.result is None:
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
    how_measured(info, run, status)


def what_gflops_do_not_tell(info: LatencyInfo, run: Run, runtime: str) -> None:
    st.header("What GFLOPs do not tell", anchor=False)
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
    error = info.held_out.get(runtime)
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
    st.header("What the time goes into", anchor=False)
    chart(parts_figure(info, runtime), key=f"parts/{run.id}", alt="Parts of the predicted latency")
    st.caption(
        "GFLOPs count only matrix products: look at how much of the time of a thin, deep student goes elsewhere. The "
        "parts come from the fit: their sum is reliable, the border between two that grow alike is not."
    )


def how_measured(info: LatencyInfo, run: Run, status: Status) -> None:
    st.header("How it was measured", anchor=False)
    st.markdown(machine_sentence(status.result or {}))
    st.caption(
        " ".join(
            filter(
                None,
                (
                    noise_sentence(info),
                    "The weights are random: latency does not depend on what a model has learned.",
                    "On another machine, or with other threads, calibrate again.",
                ),
            )
        )
    )
    terms("interleaving", "warm-up", "percentiles")
    rows = point_rows(info)
    form = {name: "%.3f" for name in (rows[0] if rows else {}) if "(" in name or "GFLOPs" in name}
    percent = [name for name in (rows[0] if rows else {}) if name.endswith("off by")]
    formats = {**form, **dict.fromkeys(percent, "percent")}
    table(rows, f"points/{run.id}", formats, f"{run.id}.csv", height=300)


open_page("latency")
settings()
run = chosen_run("calibrate")
open_earlier("calibrate")
if run is not None:
    watch(run, show)
