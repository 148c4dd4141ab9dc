"""Export: the student in forms that run elsewhere, each tested before download."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from compressor_core.errors import RunError
from compressor_core.figures.cost.export import (
    PURPOSES,
    TITLES,
    command,
    export_headline,
    extras,
    form_figures,
    method_sentences,
)
from compressor_core.literal import literal
from compressor_core.records import ExportSummary
from compressor_core.runs import Run, Status
from compressor_core.runs.library import Model, export_of, students
from pages.parts.chosen import choose_student
from pages.parts.explain import terms
from pages.parts.frame import link, open_page, sentences
from pages.parts.live import start, store, watch_chosen


def settings() -> list[Model]:
    """Draw the form; returns the student in it."""
    with sentences():
        found = {model.key: model for model in students(store())}
    if not found:
        st.info("There is no student to export yet.")
        link("distill", "Distill a student first")
        return []
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        student = choose_student(left, found)
        if right.button("Export", type="primary", icon=":material/ios_share:", width="stretch"):
            start("export", export_of(student), name=student.run.name if student.run else None)
    return [student]


def show(run: Run, status: Status) -> None:
    summary = status.summary
    if not isinstance(summary, ExportSummary):
        if status.live:
            st.caption("The files are written; then each is tested on the same held-out examples as PyTorch.")
        return
    st.header(literal(export_headline(summary)), anchor=False)
    if summary.warning:
        st.warning(literal(summary.warning), icon=":material/warning:")
    folder, archive = map(Path, summary.files)
    with st.container(border=True):
        st.markdown(
            "**The bundle**: everything below in one zip, with the tokenizer, the model card and checksums. It works "
            "without this program, unless the model reads data flow."
        )
        with st.container(horizontal=True):
            button(run, archive, f"Bundle ({summary.zip_mb:.1f} MB)", primary=True)
            for name in extras(summary):
                button(run, folder / name, name, help=PURPOSES[name])
        st.code(f"pip install numpy onnxruntime tokenizers\n{command(summary)}", language="sh", wrap_lines=True)
    forms = form_figures(summary)
    for column, (name, figures) in zip(st.columns(len(forms)), forms.items(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{TITLES[name]}**")
            st.caption(PURPOSES[name])
            st.markdown("  \n".join(f"{title}: **{value}**" for title, value in figures))
            button(run, folder / name, name)
    st.caption(literal(method_sentences(summary)))
    terms("onnx", "int8", "model-card", "accuracy", "latency")


def button(run: Run, path: Path, label: str, *, primary: bool = False, help: str | None = None) -> None:
    """Download button that reads its file only when clicked."""

    def content() -> bytes:
        # A symbolic link or a manipulated result could otherwise expose any file of this machine.
        if not path.resolve().is_relative_to(run.folder.resolve()):
            raise RunError(f"{path} is not in the folder of this run: export the student again.")
        try:
            return path.read_bytes()
        except OSError as error:
            raise RunError(f"{path} cannot be read ({error.strerror}): export the student again.") from error

    st.download_button(
        label,
        content,
        path.name,
        key=f"download/{path.name}/{run.id}",
        type="primary" if primary else "secondary",
        icon=":material/download:",
        on_click="ignore",
        help=help,
    )


open_page(
    "export",
    "The student in forms that run in an editor, on a phone or in a browser, each tested on held-out code before "
    "you download it.",
)
watch_chosen("export", show, about=settings())
