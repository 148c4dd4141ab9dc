"""Distill: a student of the chosen architecture learns the teacher's soft labels."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.distill.presets import PRESETS
from compressor_core.errors import ArchitectureError, CompressorError
from compressor_core.figures.study.training import recipe_text
from compressor_core.literal import literal
from compressor_core.runs import Run, Status
from compressor_core.runs.library import comparison_of, models_of, teacher_title
from compressor_core.task import PairFeatures, Task
from pages.parts.explain import terms
from pages.parts.frame import link, metrics, open_page, say, sentences
from pages.parts.live import chosen_run, open_earlier, start, store, watch
from pages.parts.recipe import choose_recipe
from pages.parts.task import choose_pair_features
from pages.parts.teacher import choose_teacher
from pages.parts.training import training


def choose_architecture(task: Task, features: PairFeatures) -> Architecture | None:
    st.text_input(
        "Architecture of the student",
        key="architecture",
        persist_state="session",
        help="Vocabulary, width, layers, heads, feed-forward width. A search picks one for you.",
    )
    try:
        architecture = Architecture.parse(st.session_state.architecture)
    except ArchitectureError as error:
        say(error)
        return None
    price = cost(architecture, task, features)
    metrics(
        ("Size of the file", f"{price.size_mb:.3f} MB"),
        ("Parameters", f"{price.parameters:,}"),
        ("GFLOPs, paper's account", f"{price.paper_gflops:.3f}"),
        ("GFLOPs, one forward pass", f"{price.forward_gflops:.3f}"),
    )
    functions = "each of the two functions" if task is Task.CLONE else "one function"
    st.caption(f"1 MB is 10⁶ bytes. The forward pass is counted exactly, at 400 tokens for {functions}.")
    terms(
        "vocabulary",
        "hidden-size",
        "layers",
        "attention-heads",
        "intermediate-size",
        "parameters",
        "paper-gflops",
        "forward-gflops",
    )
    return architecture


def form() -> None:
    with st.container(border=True):
        teacher = choose_teacher()
        task = teacher.task if teacher else Task.VULNERABILITY
        features = choose_pair_features("distill_pairs") if task is Task.CLONE else PairFeatures.COMPARE
        architecture = choose_architecture(task, features)
        first, second, third, fourth = st.columns([3, 1, 1, 1])
        first.radio(
            "Preset",
            list(PRESETS),
            key="preset",
            persist_state="session",
            horizontal=True,
            format_func=lambda name: f"{name} ({PRESETS[name].epochs} epoch{'s' if PRESETS[name].epochs > 1 else ''})",
        )
        first.caption(PRESETS[st.session_state.preset].description)
        second.number_input(
            "Epochs", 1, 1000, key="epochs", persist_state="session", value=None, placeholder="preset's"
        )
        third.number_input(
            "Temperature",
            0.1,
            100.0,
            step=0.5,
            key="temperature",
            persist_state="session",
            help="Higher softens the teacher's labels. The paper uses 10 for vulnerability prediction, 1 for clones.",
        )
        fourth.number_input("Seed", 0, 2**31 - 1, key="distill_seed", persist_state="session")
        terms("epoch", "temperature", "seed")
        recipe = choose_recipe(task)
        ready = teacher is not None and architecture is not None
        if (
            st.button("Start distilling", type="primary", icon=":material/play_arrow:", disabled=not ready)
            and teacher is not None
            and architecture is not None
        ):
            config = {
                "teacher": str(teacher.folder),
                "architecture": str(architecture),
                "dataset": teacher.dataset,
                "data": teacher.data,
                "preset": st.session_state.preset,
                "epochs": st.session_state.epochs,
                "temperature": st.session_state.temperature,
                "pair_features": features.value,
                "seed": st.session_state.distill_seed,
                **recipe,
            }
            size_mb = cost(architecture, task, features).size_mb
            start("distill", config, name=f"{size_mb:.2f} MB, {st.session_state.preset}")


def architecture_of(run: Run) -> str:
    """As it was asked for, or what the search found that the run builds on."""
    if "architecture" in run.config:
        return str(run.config["architecture"])
    with suppress(CompressorError):  # that search may be deleted, or not over yet
        found = store().get(str(run.config.get("search_run"))).status().result
        if found and found.get("best"):
            return str(Architecture.from_dict(found["best"]))
    return "from the search before it"


def show(run: Run, status: Status) -> None:
    result = status.result
    settings = run.config
    st.caption(
        f"Architecture {architecture_of(run)} · preset {literal(str(settings.get('preset')))} · temperature "
        f"{settings.get('temperature', 2.0):g} · seed {settings.get('seed', 0)} · learns from "
        f"{recipe_text(settings)} · teacher: {literal(teacher_title(store(), settings['teacher']))}"
    )
    training(
        run,
        status,
        loss="Loss: how far the student is from its teacher",
        teacher=result["teacher_accuracy"] if result else None,
    )
    terms("soft-labels", "soft-label-cache", "distillation-loss", "learning-rate", "accuracy", "agreement")
    if result is None:
        return
    kept = result["accuracy"] / result["teacher_accuracy"] if result["teacher_accuracy"] else 0.0
    st.markdown(f"## The student keeps {kept:.1%} of the teacher's accuracy on the test split.")
    metrics(
        ("Student's accuracy", f"{result['accuracy']:.1%}"),
        ("Teacher's accuracy", f"{result['teacher_accuracy']:.1%}"),
        ("Same answer", f"{result['agreement']:.1%}"),
        ("Size of the file", f"{result['size_mb']:.3f} MB"),
    )
    if st.button("Compare with the teacher", type="primary", icon=":material/balance:"):
        with sentences():
            settings = comparison_of(store(), models_of(run))
        start("compare", settings, name=run.name)
    link("playground", "Try it on your own code", run=run.id)


open_page("distill")
form()
run = chosen_run("distill")
open_earlier("distill")
if run is not None:
    watch(run, show)
