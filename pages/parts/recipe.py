"""Controls of the training recipe, shared by distillations and studies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from compressor_core.distill.settings import Inheritance, Preset, Recipe, usual_weight
from compressor_core.figures.words.forms import minutes
from compressor_core.settings import default_of, description_of
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.fields import number

STAY: dict[str, Any] = {"persist_state": "session"}


Expect = Callable[[Preset], float | None]
"""Expected seconds of a training with a preset; None if not known."""


def choose_preset(preset: DeltaGenerator, expect: Expect = lambda _: None) -> None:
    """Control for the preset, stored in the session, each with its expected minutes if they are known.

    They stand below its name and not in it: Streamlit forgets a choice whose words change.
    """
    seconds = [expect(one) for one in Preset]
    preset.radio(
        "Preset",
        [one.value for one in Preset],
        key="preset",
        horizontal=True,
        captions=["" if one is None else f"about {minutes(one)}" for one in seconds],
        format_func=lambda name: Preset(name).words,
        **STAY,
    )
    preset.caption(Preset(st.session_state.preset).note)


def choose_epochs(epochs: DeltaGenerator) -> None:
    """Control for the epochs, stored in the session."""
    number(epochs, Recipe, "epochs", "Epochs", 1, 1000, placeholder="preset's")


def choose_recipe(task: Task, *, recorded: bool = False) -> dict[str, Any]:
    """Controls for settings of `Recipe`, by field name; initially the defaults for the task.

    With `recorded` answers, the teacher has no hidden states to learn from, and no weights to start with.
    """
    with st.expander("What the student learns from besides soft labels"):
        terms(
            "soft-labels",
            "renaming",
            "consistency",
            "pooled-states",
            "inherited-weights",
            "masked-code",
            "weight-averaging",
            "early-stopping",
        )
        first, second, third = st.columns(3, vertical_alignment="bottom")
        fourth, fifth, sixth = st.columns(3, vertical_alignment="bottom")
        inherit = st.radio(
            "Start with the teacher's",
            [one.value for one in Inheritance],
            index=list(Inheritance).index(default_of(Recipe, "inherit")),
            key="inherit",
            horizontal=True,
            disabled=recorded,
            help=description_of(Recipe, "inherit"),
            **STAY,
        )
        return {
            "inherit": inherit,
            "renaming": number(
                first, Recipe, "renaming", "Renamed copies", 0.0, 1.0, step=0.25, placeholder="by data and preset"
            ),
            "hidden_weight": number(
                second,
                Recipe,
                "hidden_weight",
                "Weight of the teacher's states",
                0.0,
                1000.0,
                step=1.0,
                key=f"hidden_weight/{task}/{recorded}",
                value=0.0 if recorded else usual_weight(task),
            ),
            "masked_epochs": number(third, Recipe, "masked_epochs", "Epochs of masked code first", 0, 100),
            "average": number(fourth, Recipe, "average", "Best epochs to average", 0, 10),
            "patience": number(
                fifth, Recipe, "patience", "Epochs without progress", 1, 1000, placeholder="never stops early"
            ),
            "consistency": number(sixth, Recipe, "consistency", "Changed copies", 0.0, 1.0, step=0.25),
        }
