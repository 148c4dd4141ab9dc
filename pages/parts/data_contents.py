"""Contents of a dataset: sizes, examples, figures and remarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from compressor_core.data.dataset import UNKNOWN, Dataset, Example, Split
from compressor_core.data.survey import splits_of, survey
from compressor_core.figures.study.data import balance_figure, lengths_figure
from compressor_core.language import Language
from compressor_core.literal import literal, literal_code
from compressor_core.records import Survey
from pages.parts.chart import chart
from pages.parts.data import Chosen, changed, opened
from pages.parts.dataflow import draw_data_flow
from pages.parts.frame import metrics

EXAMPLES, FIGURES, DATA_FLOW = "Examples", "Figures", "Data flow"
SHOWN = 3
"""Number of examples in a preview."""
MOST_SHOWN = 20_000
"""Largest number of characters of a function in a preview; browsers highlight longer code slowly."""


def contents(chosen: Chosen) -> None:
    """Show the contents of a dataset: sizes, remarks, examples and figures."""
    dataset = chosen.opened
    if dataset is None:
        return
    place = (chosen.info.name, chosen.data, changed(Path(chosen.data)) if chosen.data else None)
    if chosen.survey is None:
        parts, found = splits(*place), surveyed(*place)
    else:
        parts, found = splits_of(dataset), chosen.survey
    sizes = {split: dataset.size(split) for split in Split}
    metrics(*((split.value.capitalize(), f"{size:,}") for split, size in sizes.items() if size))
    remarks(found)
    views = [EXAMPLES, FIGURES] + ([DATA_FLOW] if dataset.language else [])
    tabs = st.tabs(views, key="data_view", on_change="rerun")
    for view, tab in zip(views, tabs, strict=True):
        if not tab.open:
            continue  # hidden tabs are not drawn
        with tab:
            if view == EXAMPLES:
                preview(dataset, parts)
            elif view == FIGURES:
                draw(found)
            elif dataset.language:
                flow(dataset, dataset.language, parts)


def remarks(found: Survey) -> None:
    """Show what to know before trusting figures measured on these data."""
    for note in found.notes:
        st.info(literal(note), icon=":material/info:")
    if found.conflict:
        first, second = map(literal, found.conflict)
        times = "once" if found.conflicts == 1 else f"{found.conflicts:,} times"
        st.warning(
            f"Code that differs in white space at most has both labels ({times}; first in {first} and {second}): no "
            "model that leaves line breaks and indentation out, as the students here do, can be right about both.",
            icon=":material/warning:",
        )
    for part in found.shared:
        if part.functions:
            st.warning(
                f"{part.functions:,} of the {part.of:,} functions of the {part.split} split are in the "
                f"training splits too ({part.examples:,} of its examples): part of the accuracy there is memory.",
                icon=":material/warning:",
            )
    count = found.duplicates
    duplicates = f"{count:,} duplicate{'' if count == 1 else 's'}" if count else "No duplicates"
    said = [f"{duplicates}, white space aside."]
    if found.fresh:
        said.append("Training and unlabelled functions are generated anew for every epoch; the others are below.")
    elif Split.UNLABELLED not in [part.split for part in found.splits]:
        said.append("The student learns from the training functions too, but never sees their labels.")
    st.caption(" ".join(said))


def preview(dataset: Dataset, parts: Mapping[Split, Sequence[Example]]) -> None:
    """Show a few examples of one split, from a chosen number on."""
    left, right = st.columns([3, 1])
    split = left.segmented_control(
        "Split", list(parts), default=next(iter(parts)), format_func=str.capitalize, key="preview_split", required=True
    )
    split = split or next(iter(parts))
    if (whole := dataset.size(Split(split))) > len(parts[split]):
        st.caption(f"The first {len(parts[split]):,} of its {whole:,} examples are shown here.")
    start = right.number_input("From number", 1, len(parts[split]), key=f"preview_from/{split}/{len(parts[split])}")
    for number, example in enumerate(parts[split][start - 1 : start - 1 + SHOWN]):
        show(example, dataset, expanded=number == 0)


def flow(dataset: Dataset, language: Language, parts: Mapping[Split, Sequence[Example]]) -> None:
    """Draw the data flow of a chosen function."""
    st.caption(
        "Where the value of each variable comes from. GraphCodeBERT reads it beside the code; CodeBERT does not."
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


def draw(found: Survey) -> None:
    """Draw the balance of the labels and the lengths of the functions."""
    left, right = st.columns(2)
    with left:
        st.markdown("**Labels in each split**")
        chart(balance_figure(found), key="balance", alt="Labels in each split")
    with right:
        st.markdown("**Length of the functions**")
        chart(
            lengths_figure(found),
            key="lengths",
            alt=f"Length of the functions; the median is {found.median:,.0f} words and signs",
        )
    st.caption(
        f"{found.functions:,} different functions. Half of them have at most {found.median:,.0f} words and signs, "
        f"the longest {found.longest_tokens:,} ({found.longest_characters:,} characters; "
        f"{literal(found.longest_origin)}). "
        "A tokenizer splits words further. A model has to beat the share of the larger class, which is the accuracy of "
        "always giving that answer."
    )


def show(example: Example, dataset: Dataset, *, expanded: bool) -> None:
    """Show one example in an expander titled with its label."""
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
    """Title of an example in Markdown: its label, kind and origin."""
    label = "no label" if example.label == UNKNOWN else dataset.labels[example.label]
    kind = f" · {example.group}" if example.group else ""
    return f"{literal(label + kind)} · {literal_code(example.origin)}"


@st.cache_resource(max_entries=2, show_spinner="Reading the dataset")
def splits(name: str, data: str | None, when: float | None) -> dict[Split, Sequence[Example]]:
    return splits_of(opened(name, data, when))


@st.cache_data(max_entries=4, show_spinner="Looking at the dataset")
def surveyed(name: str, data: str | None, when: float | None) -> Survey:
    return survey(opened(name, data, when), splits(name, data, when))
