"""Teacher & data: see what the models learn from, and train a teacher on it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.registry import DATASETS, open_dataset
from compressor_core.data.uploads import save_upload
from compressor_core.errors import DataError
from compressor_core.models.bundled import FROM_SCRATCH
from compressor_core.runs import Run, Status
from compressor_core.runs.library import teachers
from pages.parts.frame import go, metrics, open_page, sentences
from pages.parts.live import chosen_run, open_earlier, start, store, watch
from pages.parts.training import training

INFO = {info.name: info for info in DATASETS}
PREVIEWED = 3
LANGUAGES = {"classroom-vulnerability": "python", "devign": "c"}


def choose_data() -> str | None:
    """The dataset and, for those that need one, its file; returns the file's path."""
    st.radio(
        "Dataset",
        list(INFO),
        key="dataset",
        persist_state="session",
        format_func=lambda name: INFO[name].title,
        captions=[info.description for info in DATASETS],
    )
    if INFO[st.session_state.dataset].built_in:
        return None
    left, right = st.columns(2)
    upload = right.file_uploader("Upload a file", type=["jsonl", "csv"])
    if upload is not None and st.session_state.get("uploaded") != upload.file_id:
        with sentences():
            st.session_state.data_path = str(save_upload(store().root, upload.name, upload.getvalue()))
        st.session_state.uploaded = upload.file_id
    left.text_input(
        "Path of a file on this machine", key="data_path", persist_state="session", placeholder="/data/functions.jsonl"
    )
    return str(st.session_state.data_path).strip()


@st.cache_resource(max_entries=2, show_spinner="Reading the dataset")
def opened(name: str, data: str | None, changed: float | None) -> Dataset:
    """`changed` is when the file last was: another file under the same name is read anew."""
    return open_dataset(name, data)


def preview(name: str, data: str | None) -> None:
    if data == "":
        st.info("Give the path of a file or upload one to see what is in it.")
        return
    file = Path(data) if data else None
    dataset = opened(name, data, file.stat().st_mtime if file and file.is_file() else None)
    sizes = {}
    for split in Split:
        try:
            sizes[split] = len(dataset.examples(split))
        except DataError:
            sizes[split] = 0
    metrics(*((split.value.capitalize(), f"{size:,}") for split, size in sizes.items()))
    if dataset.fresh:
        st.caption("Training and unlabelled functions are drawn anew every epoch; validation and test are fixed.")
    shown = next((split for split in Split if sizes[split]), None)
    if shown is None:
        return
    for example in dataset.examples(shown)[:PREVIEWED]:
        kind = f" · {example.group}" if example.group else ""
        with st.expander(f"{dataset.labels[example.label]}{kind} · `{example.origin}`"):
            for code in example.codes:
                st.code(code, language=LANGUAGES.get(name))


def train(name: str, data: str | None) -> None:
    left, middle, right = st.columns([3, 1, 1])
    left.radio(
        "Start from",
        [FROM_SCRATCH, "pre-trained"],
        key="base",
        persist_state="session",
        horizontal=True,
        format_func={
            FROM_SCRATCH: "Nothing: a small encoder, trained from scratch",
            "pre-trained": "A pre-trained encoder, fine-tuned",
        }.__getitem__,
    )
    middle.number_input("Epochs", 1, 1000, key="teacher_epochs", persist_state="session")
    right.number_input("Seed", 0, 2**31 - 1, key="teacher_seed", persist_state="session")
    base = FROM_SCRATCH
    if st.session_state.base != FROM_SCRATCH:
        base = st.text_input(
            "Folder or Hugging Face name",
            key="base_name",
            persist_state="session",
            placeholder="microsoft/codebert-base",
        ).strip()
    if st.button("Train a teacher", type="primary", icon=":material/play_arrow:", disabled=not base or data == ""):
        config = {
            "base": base,
            "dataset": name,
            "data": data,
            "epochs": st.session_state.teacher_epochs,
            "seed": st.session_state.teacher_seed,
        }
        start("train-teacher", config, name=f"{INFO[name].title}, {base}")


def show(run: Run, status: Status) -> None:
    training(run, status, loss="Cross-entropy loss")
    result = status.result
    if result is None:
        return
    metrics(
        ("Accuracy, test split", f"{result['accuracy']:.1%}"),
        ("F1, test split", f"{result['test']['f1']:.1%}"),
        ("Size", f"{result['size_mb']:.1f} MB"),
        ("Parameters", f"{result['parameters'] / 1e6:.2f} M"),
    )
    if st.button("Distil from this teacher", type="primary", icon=":material/science:"):
        st.session_state.teacher = result["model"]
        go("distil")


def at_hand() -> None:
    with sentences():
        found = teachers(store())
    if not found:
        st.info("There is no teacher yet: train one above.")
        return
    st.dataframe(
        [
            {
                "Teacher": teacher.title,
                "Dataset": teacher.dataset,
                "Test accuracy": teacher.result.get("accuracy"),
                "Size (MB)": teacher.result.get("size_mb"),
            }
            for teacher in found
        ],
        hide_index=True,
        column_config={
            "Test accuracy": st.column_config.NumberColumn(format="percent"),
            "Size (MB)": st.column_config.NumberColumn(format="%.2f"),
        },
    )


open_page("teacher")
with st.container(border=True):
    st.subheader("Data", anchor=False)
    data = choose_data()
    with sentences():
        preview(st.session_state.dataset, data)
with st.container(border=True):
    st.subheader("Train a teacher", anchor=False)
    train(st.session_state.dataset, data)
run = chosen_run("train-teacher")
open_earlier("train-teacher")
if run is not None:
    watch(run, show)
st.subheader("Teachers at hand", anchor=False)
at_hand()
