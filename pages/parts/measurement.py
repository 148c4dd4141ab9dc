"""Latency and cost of several models: start, watch and show a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from compressor_core.data.dataset import Rows
from compressor_core.evaluate.settings import MeasureSettings
from compressor_core.figures.cost.measurement import (
    FORMS,
    MeasurementInfo,
    busy_sentence,
    data_flow_sentence,
    energy_sentence,
    measurement_info,
    method_sentence,
    speed_sentences,
    table_rows,
)
from compressor_core.figures.cost.measurement_plots import (
    distribution_figure,
    energy_figure,
    memory_figure,
    percentiles_figure,
    start_figure,
    throughput_figure,
)
from compressor_core.literal import literal
from compressor_core.records import Form
from compressor_core.runs import Run, Status
from pages.parts.chart import chart
from pages.parts.explain import terms
from pages.parts.fields import number
from pages.parts.frame import sentences
from pages.parts.live import launched, records, store, watch
from pages.parts.rows import table

LENGTHS = {False: "true lengths", True: "padded as in the paper"}
STAY: dict[str, Any] = {"persist_state": "session"}


def latency_and_cost(
    models: Mapping[str, str | Path], dataset: str, data: str | None = None, split: Rows | None = None
) -> None:
    """Controls to measure these models (by name, teacher first), and the newest measurement of exactly these, live."""
    folders = [str(folder) for folder in models.values()]
    st.markdown(
        "Latency, throughput, cold start, memory and energy of each model: in PyTorch, as "
        "trained, and in ONNX Runtime, as deployed, with 32-bit and 8-bit weights."
    )
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left, st.expander("Settings of the measurement"):
        settings = numbers()
    if right.button("Measure", type="primary", icon=":material/speed:", width="stretch", key="measure"):
        with sentences():
            asked = MeasureSettings(
                models=tuple(folders), names=tuple(models), dataset=dataset, data=data, split=split, **settings
            )
            launched("measure", asked, name=", ".join(models))
        st.rerun()
    run = newest(folders, dataset, data)
    if run is None:
        st.info("These models have not been measured together yet. A measurement takes a few minutes.")
        return
    watch(run, show)


def newest(folders: list[str], dataset: str, data: str | None) -> Run | None:
    """Newest run that measured these models on this data."""
    wanted = (folders, dataset, data)
    return next(
        (run for run in store().list("measure") if tuple(map(run.config.get, ("models", "dataset", "data"))) == wanted),
        None,
    )


def numbers() -> dict[str, int]:
    """Fields for the extent of the measurement."""
    controls = (
        ("examples", "Examples", 1, 10_000),
        ("rounds", "Rounds", 1, 100),
        ("threads", "Threads", 1, 256),
        ("starts", "Cold starts", 0, 20),
    )
    return {
        name: number(column, MeasureSettings, name, title, low, high, key=f"measure_{name}")
        for column, (name, title, low, high) in zip(st.columns(4), controls, strict=True)
    }


def show(run: Run, status: Status) -> None:
    info = measurement_info(records(run))
    if info.setup is None:
        return
    left, right = st.columns(2)
    padded = left.segmented_control(
        "Functions",
        list(LENGTHS),
        default=False,
        required=True,
        key="measure_lengths",
        format_func=LENGTHS.__getitem__,
        help=(
            "At true lengths, a short function is answered sooner. The paper pads every function to "
            f"{info.setup.padded_to} tokens, so that all take equally long."
        ),
        **STAY,
    )
    latency(info, run, padded)
    forms = info.forms
    form = right.segmented_control(
        "Form, for the curves",
        list(FORMS),
        default=Form.ONNX,
        required=True,
        key="measure_form",
        format_func=FORMS.__getitem__,
        disabled=len(forms) < 2,
        **STAY,
    )
    curves(info, run, form if form in forms or not forms else forms[0], padded)
    starts(info, run)
    energy(info, run, padded)
    st.caption(literal(" ".join(filter(None, (method_sentence(info), data_flow_sentence(info))))))
    terms("percentiles", "throughput", "cold-start", "energy", "onnx", "int8", "interleaving")


def latency(info: MeasurementInfo, run: Run, padded: bool) -> None:
    for sentence in speed_sentences(info, padded):
        st.markdown(sentence)
    if busy := busy_sentence(info):
        st.warning(literal(busy), icon=":material/hourglass_empty:")
    st.markdown("**Latency by form**: the filled mark is the median, the open ones p90, p95 and p99")
    chart(
        percentiles_figure(info, padded),
        key=f"percentiles/{padded}/{run.id}",
        alt=" ".join(speed_sentences(info, padded)),
    )
    rows = table_rows(info, padded)
    form = {name: "%.2f" for name in (rows[0] if rows else {}) if "(" in name or "faster" in name}
    form |= {"Tokens": "%.0f", "Largest difference": "%.1e"}
    table(rows, f"costs/{padded}/{run.id}", form)
    st.caption(
        "CPU is processor time per answer, p50 the median wait. The largest difference is that "
        "of the logits from PyTorch's at true lengths: padding and ONNX Runtime only change "
        "rounding, 8-bit weights change answers a little."
    )


def curves(info: MeasurementInfo, run: Run, form: Form, padded: bool) -> None:
    left, right = st.columns(2)
    with left:
        st.markdown(f"**Distribution of the latency**, {FORMS[form]}")
        chart(
            distribution_figure(info, form, padded),
            key=f"distribution/{form}/{padded}/{run.id}",
            alt=f"Latency in {FORMS[form]}",
        )
        st.caption(
            "A steep curve means that all functions take equally long. At true lengths the curves are flatter, "
            "because long functions take longer."
        )
    with right:
        st.markdown(f"**Throughput by batch size**, {FORMS[form]}")
        chart(
            throughput_figure(info, form, padded),
            key=f"throughput/{form}/{padded}/{run.id}",
            alt=f"Throughput in {FORMS[form]}",
        )
        st.caption(
            "The same functions in batches. A batch pays the start of each operator once, but at true lengths "
            "every function in it is padded to the longest, and on a CPU there is little left to gain in "
            "parallel."
        )


def starts(info: MeasurementInfo, run: Run) -> None:
    left, right = st.columns(2)
    with left:
        st.markdown("**Cold start**: a fresh process until its first answer")
        chart(start_figure(info), key=f"starts/{run.id}", alt="Seconds from a fresh process to its first answer")
    with right:
        st.markdown("**Peak memory** of that process")
        chart(memory_figure(info), key=f"memory/{run.id}", alt="Peak memory of a process that answers")
    st.caption(
        "Each bar is the median of a few processes, with their files cached by the system. With "
        "ONNX Runtime a process imports neither PyTorch nor transformers: beside a small model, "
        "the libraries dominate."
    )


def energy(info: MeasurementInfo, run: Run, padded: bool) -> None:
    st.markdown("**Energy of 1,000 predictions**")
    chart(energy_figure(info, padded), key=f"energy/{padded}/{run.id}", alt=energy_sentence(info))
    st.caption(energy_sentence(info))
