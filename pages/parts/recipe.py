"""What a student learns from beside the teacher's soft labels."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compressor_core.distill.distillation_settings import RENAMING, DistillSettings, usual_weight
from compressor_core.task import Task
from pages.parts.explain import terms

_STAY: dict[str, Any] = {"persist_state": "session"}


def choose_recipe(task: Task) -> dict[str, Any]:
    """The settings of that name in a `DistillSettings`; what is not touched is as its defaults have it for the task."""
    with st.expander("What the student learns from besides soft labels"):
        terms("soft-labels", "renaming", "pooled-states", "masked-code", "weight-averaging", "early-stopping")
        first, second, third = st.columns(3, vertical_alignment="bottom")
        fourth, fifth, _ = st.columns(3, vertical_alignment="bottom")
        return {
            "renaming": first.number_input(
                "Renamed copies",
                0.0,
                1.0,
                None,
                0.25,
                key="renaming",
                placeholder="by data and preset",
                help="The share of the functions that come once more with other variable names, and with what the "
                "teacher says of them then: names should not matter, and the student sees more code. Left empty: "
                f"{RENAMING:g} of a file whose language is known, and of the classroom's functions with preset full.",
                **_STAY,
            ),
            "hidden_weight": second.number_input(
                "Weight of the teacher's states",
                0.0,
                1000.0,
                usual_weight(task),
                1.0,
                key=f"hidden_weight/{task}",
                help="How much it counts that the student's inner picture of a function, through a learned projection, "
                "is that of the teacher: hundreds of numbers tell more than two. 0: soft labels alone.",
                **_STAY,
            ),
            "masked_epochs": third.number_input(
                "Epochs of masked code first",
                0,
                100,
                DistillSettings.masked_epochs,
                key="masked_epochs",
                help="Before it learns from the teacher, the student predicts hidden tokens.",
                **_STAY,
            ),
            "average": fourth.number_input(
                "Best epochs to average",
                0,
                10,
                DistillSettings.average,
                key="average",
                help="The mean of the weights of the best epochs is kept if it is not worse on the validation split.",
                **_STAY,
            ),
            "patience": fifth.number_input(
                "Epochs without progress",
                1,
                1000,
                DistillSettings.patience,
                key="patience",
                placeholder="never stops early",
                help="The training stops after this number of epochs without improvement.",
                **_STAY,
            ),
        }
