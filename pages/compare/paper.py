"""The paper: its published numbers beside what this machine reproduced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from compressor_core.evaluate.settings import ReproduceSettings
from compressor_core.literal import literal
from compressor_core.paper import (
    ACCURACY,
    ARCHITECTURES,
    COLUMNS,
    DATASET,
    LATENCY,
    PACKAGE,
    SOURCE,
    TEST_EXAMPLES,
    Column,
    Row,
    accuracy,
    import_commands,
    latency,
    published_files,
    training_commands,
)
from compressor_core.runs import Run, Status
from compressor_core.runs.kinds import kind_of
from compressor_core.runs.reproduction import Accuracy, Reproduction, reproduction
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.frame import link, metrics, open_page, sentences
from pages.parts.live import start, store, watch_chosen
from pages.parts.sharing import keep_upload, shared
from pages.parts.table import Cell, beside

EXPERIMENTS = {column.title: column for column in COLUMNS}
UNITS = {Task.VULNERABILITY: "functions", Task.CLONE: "pairs"}
PATH, UPLOAD = "Files on this machine", "Upload"


def tables(found: Reproduction) -> None:
    titles = [column.title for column in COLUMNS]
    st.header("Accuracy, in per cent", anchor=False)
    beside(titles, [(row.value, [accuracy_cell(found, row, column) for column in COLUMNS]) for row in ACCURACY])
    st.caption(
        f"On top: published in [the paper]({SOURCE}) (ASE 2022, Tables 2 to 6), on "
        f"{TEST_EXAMPLES[Task.VULNERABILITY]:,} functions of Devign and {TEST_EXAMPLES[Task.CLONE]:,} pairs of "
        "BigCloneBench. Beside a green bar: measured by a run on this machine; ± is the 95% interval for that many "
        "examples."
    )
    st.header("Latency of one query, in milliseconds", anchor=False)
    beside(titles, [(row.value, [latency_cell(found, row, column) for column in COLUMNS]) for row in LATENCY])
    st.caption(
        "Published: on eight cores, every function padded to 400 tokens. Here: the median of single queries on "
        f"this machine{how_measured(found)}, unpadded, tokenisation apart. Compare the two in their ratios only."
    )


def accuracy_cell(found: Reproduction, row: Row, column: Column) -> Cell:
    published = f"{accuracy(row, column):.2f}"
    measured = found.accuracy.get((row, column))
    if measured is None:
        return Cell(published, note="not trained by this program" if row is Row.BASELINE else "")
    return Cell(published, f"{measured.percent:.2f} ± {measured.margin:.1f}", on_what(measured, column))


def on_what(measured: Accuracy, column: Column) -> str:
    """How many were right, and whether these are as many as the paper's."""
    said = f"{measured.correct:,} of {measured.examples:,} {UNITS[column.task]}"
    if measured.whole:
        return f"{said}, as many as the paper's"
    return f"{said}, not the paper's {TEST_EXAMPLES[column.task]:,}"


def latency_cell(found: Reproduction, row: Row, column: Column) -> Cell:
    measured = found.latency.get((row, column))
    published = f"{latency(row, column):,}"
    if measured is None:
        return Cell(published)
    teacher = found.latency.get((Row.TEACHER, column))
    ratio = f"{teacher.median / measured.median:.1f}× faster than the teacher" if teacher else ""
    return Cell(published, f"{measured.median:.1f}", ratio if row is not Row.TEACHER else "")


def how_measured(found: Reproduction) -> str:
    machines = {one.machine.in_words for one in found.latency.values()}
    return f" ({'; '.join(sorted(machines))})" if machines else ""


def one_cell(found: Reproduction) -> None:
    st.header("Reproduce a cell", anchor=False)
    left, right = st.columns(2)
    experiment = left.selectbox("Experiment", list(EXPERIMENTS), key="paper_experiment", persist_state="session")
    model = right.selectbox(
        "Model",
        [row.value for row in Row],
        index=list(Row).index(Row.STUDENT_3),
        key="paper_row",
        persist_state="session",
    )
    row, column = Row(str(model)), EXPERIMENTS[str(experiment)]
    state(found, row, column)
    if row is Row.BASELINE:
        return
    if row is Row.TEACHER:
        train(row, column)
        return
    published, anew = st.tabs(["Import the published student", "Distill one anew"])
    with published:
        import_form(row, column)
    with anew:
        train(row, column)


def state(found: Reproduction, row: Row, column: Column) -> None:
    said = f"Published: **{accuracy(row, column):.2f}%**."
    measured = found.accuracy.get((row, column))
    if row is Row.BASELINE:
        st.markdown(f"{said} The BiLSTM is what the paper compares with; this program does not train one.")
    elif measured is None:
        st.markdown(f"{said} Not reproduced on this machine yet.")
    else:
        kind = "the published student, imported" if measured.imported else "trained on this machine"
        data = literal(Path(measured.data).name) if measured.data else "the test split of the hub"
        st.markdown(
            f"{said} Here: **{measured.percent:.2f}%** ({on_what(measured, column)}), F1 {measured.f1:.1%}; "
            f"{kind}; measured on {data}."
        )
        link(kind_of(measured.run.kind).page, "Open its run", icon=":material/open_in_new:", run=measured.run.id)


def train(row: Row, column: Column) -> None:
    name, benchmark = column.encoder.hub_name, DATASET[column.task]
    steps = [f"fine-tune `{name}` on `{benchmark}` on the page Teacher & data"]
    if row in ARCHITECTURES:
        steps.append(f"distill the architecture `{ARCHITECTURES[row]}` from it on the page Distill")
    st.markdown(
        f"In the app, {' and '.join(steps)}: the cell fills itself when the run is finished. This takes hours on a "
        "GPU and days without one. The paper's settings, on the command line:"
    )
    st.code(training_commands(row, column), language="sh", wrap_lines=True)
    link("teacher", "Teacher & data")


def import_form(row: Row, column: Column) -> None:
    files = published_files(row, column)
    if files is None:
        return
    st.markdown(
        f"The files are in [the paper's replication package]({PACKAGE}). The student is imported, predicts every "
        "example of the data and fills the cell; afterwards it is a student like any other."
    )
    if shared():
        st.info("Importing files is closed on a shared server: whoever runs it can do it.")
        return
    how = st.segmented_control("Files", [PATH, UPLOAD], default=PATH, key="paper_files", label_visibility="collapsed")
    first, second = st.columns(2)
    given: dict[str, Any]
    if how == UPLOAD:
        given = {
            "checkpoint": first.file_uploader("Checkpoint (.bin)", type=["bin"], key="paper_bin"),
            "tokenizer": second.file_uploader("Tokenizer (BPE_*.json)", type=["json"], key="paper_json"),
        }
    else:
        given = {
            "checkpoint": first.text_input("Checkpoint", placeholder=files.checkpoint, key="paper_checkpoint"),
            "tokenizer": second.text_input("Tokenizer", placeholder=files.tokenizer, key="paper_tokenizer"),
        }
    what = (
        "a JSONL file of functions" if column.task is Task.VULNERABILITY else "a folder with data.jsonl and the pairs"
    )
    data = st.text_input(
        f"Test data: {what}; empty for the hub's", placeholder=files.data, key=f"paper_data/{column.task}"
    )
    if st.button("Import and measure", type="primary", icon=":material/play_arrow:", disabled=not all(given.values())):
        with sentences():
            paths: dict[str, Any] = {name: kept(one) for name, one in given.items()}
            asked = ReproduceSettings(
                **paths,
                teacher=column.encoder,
                task=column.task,
                dataset=DATASET[column.task],
                data=data.strip() or None,
            )
        start("reproduce", asked, name=f"{column.title}, {row.value}")
    with st.expander("The same on the command line"):
        st.code(import_commands(row, column), language="sh", wrap_lines=True)


def kept(given: Any) -> str:
    """The path of a file that was given as one, or uploaded."""
    if isinstance(given, str):
        return str(Path(given.strip()).expanduser().absolute())
    return str(keep_upload(store(), given.name, given.getvalue(), (".bin", ".json")))


def show(run: Run, status: Status) -> None:
    found = status.summary
    if found is None:
        if status.live:
            st.caption("The student is imported, predicts every example, and is then timed on single queries.")
        return
    metrics(
        ("Accuracy", f"{found.accuracy:.2%}", f"{found.correct:,} of {found.examples:,}"),
        ("F1", f"{found.f1:.1%}"),
        ("Median latency", f"{found.latency.median:.1f} ms", f"threads: {found.machine.threads}"),
        ("Size", f"{found.size_mb:.2f} MB", f"{found.parameters:,} parameters"),
    )


open_page("paper", "The paper's accuracies and latencies beside those measured on this machine, cell by cell.")
with sentences():
    found = reproduction(store())
tables(found)
terms("codebert", "graphcodebert", "devign", "bigclonebench", "normal-interval", "f1")
one_cell(found)
watch_chosen("reproduce", show)
