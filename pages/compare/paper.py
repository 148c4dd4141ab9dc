"""Paper: its published numbers beside those reproduced on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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
from compressor_core.runs.reproduction import Accuracy, Place, Reproduction, reproduction
from compressor_core.shipped import shipped
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.frame import link, metrics, open_page, sentences
from pages.parts.live import start, store, watch_chosen
from pages.parts.rows import table
from pages.parts.sharing import keep_upload, shared
from pages.parts.table import Cell, beside

EXPERIMENTS = {column.title: column for column in COLUMNS}
UNITS = {Task.VULNERABILITY: "functions", Task.CLONE: "pairs"}
NOT_HERE = {
    Row.TEACHER: "not measured: neither its weights nor a GPU to fine-tune it were available",
    Row.BASELINE: "not trained by this program",
}
PATH, UPLOAD = "Files on this machine", "Upload"


def tables(found: Reproduction) -> None:
    titles = [column.title for column in COLUMNS]
    st.header("Accuracy, in per cent", anchor=False)
    beside(titles, [(row.value, [accuracy_cell(found, row, column) for column in COLUMNS]) for row in ACCURACY])
    st.caption(
        f"On top: published in [the paper]({SOURCE}) (ASE 2022, Tables 2 to 6), on "
        f"{TEST_EXAMPLES[Task.VULNERABILITY]:,} functions of Devign and {TEST_EXAMPLES[Task.CLONE]:,} pairs of "
        "BigCloneBench. Beside a green bar: the authors' student, imported; beside an orange one: a student of this "
        "program. ± is the 95% interval for that many examples."
    )
    st.header("Latency of one query, in milliseconds", anchor=False)
    beside(titles, [(row.value, [latency_cell(found, row, column) for column in COLUMNS]) for row in LATENCY])
    st.caption(
        "Published: on eight cores, every function padded to 400 tokens. Here: the median of single queries"
        f"{how_measured(found)}, unpadded, tokenisation apart; shipped figures are processor time. Compare "
        "only the ratios of the two."
    )


def accuracy_cell(found: Reproduction, row: Row, column: Column) -> Cell:
    def side(imported: bool) -> tuple[str, str] | None:
        measured = found.accuracy.get(Place(row, column, imported))
        return (
            None if measured is None else (f"{measured.percent:.2f} ± {measured.margin:.1f}", on_what(measured, column))
        )

    return Cell(f"{accuracy(row, column):.2f}", side(True), side(False), NOT_HERE.get(row, "not reproduced"))


def on_what(measured: Accuracy, column: Column) -> str:
    """Number of correct answers, whether the test set is as large as the paper's, and the spread over seeds."""
    said = f"{measured.correct:,} of {measured.examples:,} {UNITS[column.task]}"
    whole = "as many as the paper's" if measured.whole else f"not the paper's {TEST_EXAMPLES[column.task]:,}"
    seeds = measured.seeds
    apart = f"; the median of {len(seeds)} seeds, {min(seeds):.1f} to {max(seeds):.1f}" if seeds else ""
    return f"{said}, {whole}{apart}"


def latency_cell(found: Reproduction, row: Row, column: Column) -> Cell:
    teacher = found.latency.get(Place(Row.TEACHER, column))

    def side(imported: bool) -> tuple[str, str] | None:
        measured = found.latency.get(Place(row, column, imported))
        if measured is None:
            return None
        against = measured.teacher or (teacher and teacher.median)
        of = "a model of the teacher's shape" if measured.teacher else "the teacher"
        note = f"{against / measured.median:.1f}× faster than {of}" if against and row is not Row.TEACHER else ""
        return f"{measured.median:.1f}", note

    return Cell(f"{latency(row, column):,}", side(True), side(False), NOT_HERE.get(row, "not reproduced"))


def sources() -> None:
    """Show the sources of the figures that were not measured by a run on this machine."""
    figures = shipped()
    if not figures:
        return
    with st.expander("Sources of the figures that were not measured on this machine"):
        table(
            [
                {
                    "Student": one.name,
                    "Architecture": one.architecture,
                    "MB": one.size_mb,
                    "Correct": f"{one.correct:,} of {one.examples:,}",
                    "ms": one.milliseconds,
                    "Teacher's shape, ms": one.codebert_milliseconds,
                    "Measured on": f"{one.data}, fingerprint {one.fingerprint}",
                    "Date": one.date,
                    "Command": one.command,
                    "Machine": one.machine.in_words,
                }
                for one in figures
            ],
            "paper",
            {"MB": "%.2f", "ms": "%.1f", "Teacher's shape, ms": "%.0f"},
        )
        st.caption("Runs on this machine replace these figures. The model of the teacher's shape has random weights.")


def how_measured(found: Reproduction) -> str:
    machines = {one.machine.in_words for one in found.latency.values()}
    return f" ({'; '.join(sorted(machines))})" if machines else ""


def one_cell(found: Reproduction) -> None:
    left, right, place = st.columns([3, 3, 2], vertical_alignment="bottom")
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
    with st.expander("Reproduce this cell: files and commands"):
        if row is Row.TEACHER:
            train(row, column)
            return
        published, anew = st.tabs(["Import the published student", "Distill one anew"])
        with published:
            import_form(row, column, place)
        with anew:
            train(row, column)


def state(found: Reproduction, row: Row, column: Column) -> None:
    st.markdown(f"Published: **{accuracy(row, column):.2f}%**.")
    if row is Row.BASELINE:
        st.markdown("The BiLSTM is what the paper compares with; this program does not train one.")
    places = [Place(row, column, imported) for imported in (True, False)]
    here = [(place, found.accuracy[place]) for place in places if place in found.accuracy]
    for place, measured in here:
        kind = "the published student, imported" if place.imported else "trained by this program"
        ran = measured.run is not None
        data = literal(Path(measured.data).name if ran else measured.data) if measured.data else "the hub's test split"
        st.markdown(
            f"{'Here' if ran else 'Ships with the program'}: **{measured.percent:.2f}%** "
            f"({on_what(measured, column)}), F1 {measured.f1:.1%}; {kind}; measured on {data}."
        )
        if measured.run is not None:
            link(kind_of(measured.run.kind).page, "Open its run", icon=":material/open_in_new:", run=measured.run.id)
    if row is not Row.BASELINE and not any(measured.run for _, measured in here):
        st.markdown("Not reproduced on this machine yet.")


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


def import_form(row: Row, column: Column, place: DeltaGenerator) -> None:
    """Draw the fields of an import, and its button in `place`."""
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
    if place.button(
        "Import and measure",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not all(given.values()),
        help="Give the files below first.",
    ):
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
    st.caption("The same on the command line:")
    st.code(import_commands(row, column), language="sh", wrap_lines=True)


def kept(given: Any) -> str:
    """Path of a file that was given as a path or uploaded."""
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
with st.container(border=True):
    one_cell(found)
tables(found)
sources()
terms("codebert", "graphcodebert", "devign", "bigclonebench", "normal-interval", "f1")
watch_chosen("reproduce", show)
