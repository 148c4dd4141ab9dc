"""Choosing a dataset, and seeing what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from compressor_core.data.dataset import UNKNOWN, Dataset, Example, Split
from compressor_core.data.hub import cached_parts
from compressor_core.data.intake import Inspection, inspect, take_in
from compressor_core.data.registry import DATASETS, DatasetInfo, open_dataset
from compressor_core.data.survey import splits_of, survey
from compressor_core.data.tables import Columns
from compressor_core.data.uploads import SUFFIXES, save_upload
from compressor_core.errors import DataError
from compressor_core.figures.data import balance_figure, data_info, lengths_figure
from compressor_core.language import LANGUAGE_NAMES, Language
from compressor_core.literal import literal, literal_code
from compressor_core.task import Task
from pages.parts.chart import chart
from pages.parts.dataflow import draw_data_flow
from pages.parts.frame import metrics, sentences
from pages.parts.live import store
from pages.parts.rows import dataframe
from pages.parts.sharing import allow_keeping, shared

INFO = {info.name: info for info in DATASETS}
EXAMPLES, FIGURES, DATA_FLOW = "Examples", "Figures", "Data flow"
UPLOADED = "uploaded-path"
"""Where the session keeps the path of what was uploaded last, which no widget can set."""
SHOWN = 3
"""Examples in a preview."""
MOST_SHOWN = 20_000
"""Characters of a function in a preview: a browser is slow to colour more."""


@dataclass(frozen=True)
class Chosen:
    """The dataset that a run is to use: `data` is the path of its file or folder, None without one.

    `opened` is None where it is on the hub and only a run will download it.
    """

    info: DatasetInfo
    data: str | None
    opened: Dataset | None

    @property
    def task(self) -> Task | None:
        return self.opened.task if self.opened is not None else self.info.task

    @property
    def language(self) -> Language | None:
        return self.opened.language if self.opened is not None else self.info.language


def choose_data() -> Chosen | None:
    """The dataset as the visitor wants it; None while something about it is missing or wrong."""
    st.radio(
        "Dataset",
        list(INFO),
        key="dataset",
        persist_state="session",
        format_func=lambda name: INFO[name].title,
        captions=[info.description for info in DATASETS],
    )
    info = INFO[st.session_state.dataset]
    if info.built_in:
        return Chosen(info, None, opened(info.name, None, None))
    path = choose_path(info)
    if not path and info.needs_data:
        st.info(f"Upload a file{'' if shared() else ', or give the path of one,'} to see what is in it.")
        return None
    try:
        if not info.needs_data:
            return published(info, path)
        data = own_file(Path(path))
        return None if data is None else Chosen(info, data, opened(info.name, data, changed(Path(data))))
    except DataError as error:
        st.error(literal(str(error)), icon=":material/error:")
        return None


def choose_path(info: DatasetInfo) -> str:
    """The file or folder that the visitor names or uploads; empty without one."""
    if not info.needs_data and shared():
        return ""
    if not info.needs_data:
        st.text_input(
            "Its files on this machine",
            key=f"path/{info.name}",
            persist_state="session",
            placeholder="Leave empty to download it from the Hugging Face hub",
            help=(
                "A JSONL file, or a folder with train.jsonl, valid.jsonl and test.jsonl."
                if info.task is Task.VULNERABILITY
                else "A folder with data.jsonl, and with train.txt, valid.txt and test.txt or pairs.txt."
            ),
        )
        return str(st.session_state[f"path/{info.name}"]).strip()
    left, right = st.columns(2)
    upload = right.file_uploader("Upload a file", type=[suffix.lstrip(".") for suffix in SUFFIXES])
    if upload is not None and st.session_state.get("uploaded") != upload.file_id:
        with sentences():
            allow_keeping(store())
            st.session_state.data_path = str(save_upload(store().root, upload.name, upload.getvalue()))
        st.session_state.uploaded = upload.file_id
        st.session_state[UPLOADED] = st.session_state.data_path
    if shared():
        return str(st.session_state.get(UPLOADED, ""))
    left.text_input(
        "Path of a file on this machine", key="data_path", persist_state="session", placeholder="/data/functions.jsonl"
    )
    return str(st.session_state.data_path).strip()


def published(info: DatasetInfo, path: str) -> Chosen | None:
    """A benchmark, from files or the hub; one that is not on this machine is not opened, nor to be had if shared."""
    if path:
        return Chosen(info, path, opened(info.name, path, changed(Path(path))))
    if cached_parts(info.hub or "") is not None:
        return Chosen(info, None, opened(info.name, None, None))
    if shared():
        st.info("It is not on this machine, and a shared server downloads nothing: choose another dataset.")
        return None
    st.info(
        f"It is not on this machine. A run that uses it downloads it first, from `{info.hub}` on the Hugging Face hub; "
        "without a network, give the path of its files."
    )
    return Chosen(info, None, None)


def own_file(path: Path) -> str | None:
    """One's own file, taken in as the visitor says; the path of the copy, None while that is not settled."""
    place = f"{path}/{changed(path)}"
    first, second, label, positive = (
        st.session_state.get(f"{what}/{place}") for what in ("first", "second", "label", "positive")
    )
    found = inspected(place, str(path), first, second, label, positive)
    if not found.names:
        raise DataError(f"{path} has no row that can be read: it needs one JSON object a line, or CSV with a header")
    language = meaning(place, found)
    if found.missing:
        st.info(f"Say which column holds the {' and which the '.join(found.missing)}.")
        return None
    if found.needs_positive and positive is None:
        st.info("Say which label means 1, such as vulnerable or clone.")
        return None
    if found.bad_count and not leave_out(place, found):
        return None
    return taken_in(place, str(path), first, second, label, positive, language)


def meaning(place: str, found: Inspection) -> Language | None:
    """What the columns and labels of a file mean, as guessed; open where the visitor has to say something.

    What is chosen here is read at the top of the next run, see `own_file`.
    """
    code = found.columns.code
    unsettled = bool(found.missing) or (found.needs_positive and st.session_state.get(f"positive/{place}") is None)
    title = f"Code in {' and '.join(code)}, label in {found.columns.label}"

    def column(label: str, what: str, guess: str | None, none: str = "Choose a column") -> None:
        st.selectbox(
            label,
            found.names,
            index=found.names.index(guess) if guess in found.names else None,
            placeholder=none,
            key=f"{what}/{place}",
            persist_state="session",
        )

    with st.expander(
        "Which column holds what?" if unsettled else literal(title), expanded=unsettled, icon=":material/table_chart:"
    ):
        left, right = st.columns(2)
        with left:
            column("Code", "first", code[0] if code else None)
            column("Second function, in a file of pairs", "second", code[1] if len(code) == 2 else None, "None")
        with right:
            column("Label", "label", found.columns.label)
            language = st.selectbox(
                "Language",
                list(LANGUAGE_NAMES),
                index=None,
                format_func=LANGUAGE_NAMES.__getitem__,
                placeholder="Not said",
                key=f"language/{place}",
                persist_state="session",
                help="GraphCodeBERT needs to know it, and so does the view of a function's data flow.",
            )
            if found.odd_labels:
                counts = found.labels or {}
                st.selectbox(
                    "Label that means 1",
                    list(counts),
                    index=None,
                    format_func=lambda name: f"{name} ({counts[name]:,} rows)",
                    placeholder="Choose a label",
                    key=f"positive/{place}",
                    persist_state="session",
                    help="Any other label means 0.",
                )
    return language


def leave_out(place: str, found: Inspection) -> bool:
    """The rows that cannot be used, by line, and whether the visitor agrees to leave them out."""
    one = found.bad_count == 1
    st.warning(
        f"{found.bad_count:,} {'row' if one else 'rows'} of {found.rows + found.bad_count:,} cannot be used.",
        icon=":material/warning:",
    )
    dataframe(
        [{"Line": row.line, "What is wrong": f"It {row.reason}."} for row in found.bad],
        height="content" if len(found.bad) < 6 else 210,
        column_config={"Line": st.column_config.NumberColumn(width=70, format="%d")},
    )
    if found.bad_count > len(found.bad):
        st.caption(f"The first {len(found.bad):,} are listed.")
    return st.checkbox(
        f"Leave {'this row' if one else 'these rows'} out and go on with the other {found.rows:,}",
        key=f"skip/{place}",
        persist_state="session",
        disabled=not found.rows,
    )


def contents(chosen: Chosen) -> None:
    """What is in a dataset: sizes, examples, figures, and what stands out."""
    dataset = chosen.opened
    if dataset is None:
        return
    place = (chosen.info.name, chosen.data, changed(Path(chosen.data)) if chosen.data else None)
    parts, record = splits(*place), surveyed(*place)
    sizes = {split: dataset.size(split) for split in Split}
    metrics(*((split.value.capitalize(), f"{size:,}") for split, size in sizes.items() if size))
    remarks(record)
    views = [EXAMPLES, FIGURES] + ([DATA_FLOW] if dataset.language else [])
    tabs = st.tabs(views, key="data_view", on_change="rerun")
    for view, tab in zip(views, tabs, strict=True):
        if not tab.open:
            continue  # what is not seen is not drawn
        with tab:
            if view == EXAMPLES:
                preview(dataset, parts)
            elif view == FIGURES:
                draw(record)
            elif dataset.language:
                flow(dataset, dataset.language, parts)


def remarks(record: dict[str, Any]) -> None:
    """What to know before trusting a figure that is measured on these data."""
    for note in record["notes"]:
        st.info(literal(note), icon=":material/info:")
    if record["conflicts"]:
        first, second = map(literal, record["conflict"])
        st.warning(
            f"The same code is there with both labels ({record['conflicts']:,} times; first {first} and {second}): "
            "no model can be right about both.",
            icon=":material/warning:",
        )
    for part in record["shared"]:
        if part["functions"]:
            st.warning(
                f"{part['functions']:,} of the {part['of']:,} functions of the {part['split']} split are in the "
                f"training splits too ({part['examples']:,} of its examples): part of the accuracy there is memory.",
                icon=":material/warning:",
            )
    count = record["duplicates"]
    found = f"{count:,} duplicate{'' if count == 1 else 's'}" if count else "No duplicates"
    said = [f"{found}, white space aside."]
    if record["fresh"]:
        said.append("Training and unlabelled functions are drawn anew every epoch; below are the others.")
    elif Split.UNLABELLED not in [part["split"] for part in record["splits"]]:
        said.append("The student learns from the training functions too; it is shown no label of theirs.")
    st.caption(" ".join(said))


def preview(dataset: Dataset, parts: Mapping[Split, Sequence[Example]]) -> None:
    """A few examples of one split, from where the visitor says."""
    left, right = st.columns([3, 1])
    split = left.segmented_control(
        "Split", list(parts), default=next(iter(parts)), format_func=str.capitalize, key="preview_split", required=True
    )
    split = split or next(iter(parts))
    start = right.number_input("From number", 1, len(parts[split]), key=f"preview_from/{split}/{len(parts[split])}")
    for number, example in enumerate(parts[split][start - 1 : start - 1 + SHOWN]):
        show(example, dataset, expanded=number == 0)


def flow(dataset: Dataset, language: Language, parts: Mapping[Split, Sequence[Example]]) -> None:
    """One function with its data flow, the one that the visitor chooses."""
    st.caption(
        "Where the value of each variable comes from: what GraphCodeBERT reads beside the code, and CodeBERT does not."
    )
    split, examples = next(iter(parts.items()))
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    number = left.number_input(f"Example of the {split} split", 1, len(examples), key=f"flow/{split}/{len(examples)}")
    example = examples[number - 1]
    second = len(example.codes) == 2 and right.radio(
        "Function",
        [False, True],
        format_func=lambda second: "the second" if second else "the first",
        horizontal=True,
        key="flow_second",
    )
    code = example.codes[int(second)]
    st.caption(name_of(example, dataset))
    if len(code) > MOST_SHOWN:
        st.info(f"This function has {len(code):,} characters, too many to draw: choose another.")
        return
    draw_data_flow(code, language, key=f"flow/{split}/{number}/{second}")


def draw(record: dict[str, Any]) -> None:
    """Balance and lengths."""
    info = data_info(record)
    left, right = st.columns(2)
    with left:
        st.markdown("**Labels in each split**")
        chart(balance_figure(info), key="balance", alt="Labels in each split")
    with right:
        st.markdown("**Length of the functions**")
        chart(
            lengths_figure(info),
            key="lengths",
            alt=f"Length of the functions; the median is {info.median:,.0f} words and signs",
        )
    longest = record["longest"]
    st.caption(
        f"{record['functions']:,} different functions. Half of them have at most {info.median:,.0f} words and signs, "
        f"the longest {longest['tokens']:,} ({longest['characters']:,} characters; {literal(longest['origin'])}). "
        "A model's tokenizer cuts words finer, and reads no more than the maximum length. The share of the larger "
        "class is the accuracy of always saying it: what a model has to beat."
    )


def show(example: Example, dataset: Dataset, *, expanded: bool) -> None:
    """One example behind its label."""
    with st.expander(name_of(example, dataset), expanded=expanded):
        for code, column in zip(example.codes, st.columns(len(example.codes)), strict=True):
            column.code(
                code[:MOST_SHOWN],
                language=None if dataset.language is None else str(dataset.language),
                height=400 if code.count("\n") > 20 else "content",
                wrap_lines=True,
            )
            if len(code) > MOST_SHOWN:
                column.caption(f"The first {MOST_SHOWN:,} of {len(code):,} characters.")


def name_of(example: Example, dataset: Dataset) -> str:
    """What an example is called, in Markdown: its label, its kind, where it comes from."""
    label = "no label" if example.label == UNKNOWN else dataset.labels[example.label]
    kind = f" · {example.group}" if example.group else ""
    return f"{literal(label + kind)} · {literal_code(example.origin)}"


def changed(path: Path) -> float | None:
    """When a file, or the newest file of a folder, last was: what else has its name is read anew."""
    try:
        paths = path.iterdir() if path.is_dir() else (path,)
        return max((one.stat().st_mtime for one in paths), default=None)
    except OSError:
        return None


@st.cache_resource(max_entries=2, show_spinner="Reading the dataset")
def opened(name: str, data: str | None, when: float | None) -> Dataset:
    """`when` tells apart what has the same path, here and below."""
    return open_dataset(name, data)


@st.cache_resource(max_entries=2, show_spinner="Reading the dataset")
def splits(name: str, data: str | None, when: float | None) -> dict[Split, Sequence[Example]]:
    return splits_of(opened(name, data, when))


@st.cache_data(max_entries=4, show_spinner="Looking at the dataset")
def surveyed(name: str, data: str | None, when: float | None) -> dict[str, Any]:
    return survey(opened(name, data, when), splits(name, data, when))


@st.cache_data(max_entries=4, show_spinner="Reading the file")
def inspected(
    place: str, path: str, first: str | None, second: str | None, label: str | None, positive: str | None
) -> Inspection:
    return inspect(Path(path), columns(first, second, label), positive)


@st.cache_data(max_entries=4, show_spinner="Reading the file")
def taken_in(
    place: str,
    path: str,
    first: str | None,
    second: str | None,
    label: str | None,
    positive: str | None,
    language: Language | None,
) -> str:
    copy = take_in(
        Path(path),
        store().root / "uploads",
        columns=columns(first, second, label),
        positive=positive,
        language=language,
        skip_bad_rows=True,  # not before the visitor agrees, see `own_file`
    )
    return str(copy)


def columns(first: str | None, second: str | None, label: str | None) -> Columns:
    if first is None:
        return Columns(label=label)
    return Columns(func1=first, func2=second, label=label) if second else Columns(func=first, label=label)
