"""Distill: train a student of the chosen architecture on the teacher's soft labels."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from compressor_core.architecture import GENES, Architecture
from compressor_core.bundled import is_recorded
from compressor_core.cost import cost
from compressor_core.distill.settings import DistillSettings, Preset
from compressor_core.errors import ArchitectureError, CompressorError
from compressor_core.figures.study.training import recipe_text
from compressor_core.figures.words.captions import outside_words
from compressor_core.literal import literal
from compressor_core.runs import Run, Status
from compressor_core.runs.expectation import expected
from compressor_core.runs.library import Model, comparison_of, models_of, teacher_title
from compressor_core.search.pick import Pick
from compressor_core.task import PairFeatures, Task
from pages.parts.answers import choose_answers, teacher_is_recorded
from pages.parts.explain import terms
from pages.parts.fields import number
from pages.parts.frame import link, metrics, open_page, say, sentences
from pages.parts.live import start, store, watch_chosen
from pages.parts.outlook import outlook
from pages.parts.recipe import choose_epochs, choose_preset, choose_recipe
from pages.parts.task import choose_pair_features
from pages.parts.teacher import choose_teacher
from pages.parts.training import training


def choose_architecture() -> Architecture | None:
    st.text_input(
        "Architecture of the student",
        key="architecture",
        persist_state="session",
        help="Vocabulary, width, layers, heads, feed-forward width. A search picks one for you.",
    )
    try:
        return Architecture.parse(st.session_state.architecture)
    except ArchitectureError as error:
        say(error)
        return None


def show_cost(architecture: Architecture, task: Task, features: PairFeatures) -> None:
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


def form() -> None:
    with st.container(border=True):
        teacher = choose_answers() if teacher_is_recorded() else choose_teacher()
        task = teacher.task if teacher else Task.VULNERABILITY
        architecture = choose_architecture()
        length, place = st.columns([3, 1], vertical_alignment="bottom")
        choose_preset(length, lambda preset: minutes_of(architecture, teacher, preset))
        first, second, third = st.columns(3)
        choose_epochs(first)
        number(second, DistillSettings, "temperature", "Temperature", 0.1, 100.0, step=0.5)
        number(third, DistillSettings, "seed", "Seed", 0, 2**31 - 1, key="distill_seed")
        terms("epoch", "temperature", "seed")
        features = choose_pair_features("distill_pairs") if task is Task.CLONE else PairFeatures.COMPARE
        if architecture is not None:
            show_cost(architecture, task, features)
        recipe = choose_recipe(task, recorded=teacher is not None and is_recorded(teacher.folder))
        if teacher is not None and architecture is not None:
            outlook(architecture, task, teacher.dataset, st.session_state.epochs)
        ready = teacher is not None and architecture is not None
        go_on = place.button(
            "Start distilling", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not ready
        )
        if go_on and teacher is not None and architecture is not None:
            with sentences():
                settings = DistillSettings(
                    teacher=teacher.folder,
                    dataset=teacher.dataset,
                    data=teacher.data,
                    preset=st.session_state.preset,
                    epochs=st.session_state.epochs,
                    temperature=st.session_state.temperature,
                    pair_features=features,
                    seed=st.session_state.distill_seed,
                    **dict(pick_of(architecture)),
                    **recipe,
                )
            size_mb = cost(architecture, task, features).size_mb
            start("distill", settings, name=f"{size_mb:.2f} MB, {settings.preset}")


def minutes_of(architecture: Architecture | None, teacher: Model | None, preset: Preset) -> float | None:
    """Expected seconds of a training with a preset; None if not known."""
    if architecture is None or teacher is None:
        return None
    found = expected(store(), architecture, teacher.dataset, preset)
    return found.seconds if found else None


def pick_of(architecture: Architecture) -> Pick:
    """Pick that the architecture comes from, if it is still the one picked on another page."""
    picked: Pick | None = st.session_state.get("picked")
    return picked if picked and picked.architecture == architecture else Pick(architecture=architecture)


def architecture_of(settings: DistillSettings) -> str:
    """Architecture of the settings, or the best of the search that the run builds on."""
    if settings.architecture is not None:
        return str(settings.architecture)
    with suppress(CompressorError):  # the search may be deleted or unfinished
        found = store().get(settings.search_run or "").summary()
        if found is not None and found.best:
            return ",".join(str(getattr(found.best, gene)) for gene in GENES)
    return "from the search before it"


def show(run: Run, status: Status) -> None:
    result = status.summary
    settings: DistillSettings = run.settings
    budget = "" if settings.budget_mb is None else f" for a budget of {settings.budget_mb:g} MB"
    st.caption(
        f"Architecture {architecture_of(settings)}{budget} · preset {settings.preset} · temperature "
        f"{settings.temperature:g} · seed {settings.seed} · learns from {recipe_text(dict(settings))} · "
        f"teacher: {literal(teacher_title(store(), settings.teacher))}"
    )
    training(
        run,
        status,
        loss="Loss: how far the student is from its teacher",
        teacher=result.teacher_accuracy if result else None,
    )
    terms("soft-labels", "soft-label-cache", "distillation-loss", "learning-rate", "accuracy", "agreement")
    if result is None:
        return
    if result.teacher_accuracy is None:
        st.markdown(f"## The student is right on {result.accuracy:.1%} of the test split.")
    else:
        kept = result.accuracy / result.teacher_accuracy if result.teacher_accuracy else 0.0
        st.markdown(f"## The student keeps {kept:.1%} of the teacher's accuracy on the test split.")
    metrics(
        ("Student's accuracy", f"{result.accuracy:.1%}"),
        ("Teacher's accuracy", "–" if result.teacher_accuracy is None else f"{result.teacher_accuracy:.1%}"),
        ("Same answer", "–" if result.agreement is None else f"{result.agreement:.1%}"),
        ("Size of the file", f"{result.size_mb:.3f} MB"),
    )
    st.markdown(outside_words(result))
    if st.button("Compare with the teacher", type="primary", icon=":material/balance:"):
        with sentences():
            comparison = {**comparison_of(store(), models_of(run)), "beside_codebert": True}
        start("compare", comparison, name=run.name)
    link("playground", "Try it on your own code", run=run.id)


open_page("distill", "A student of the chosen architecture learns the teacher's probabilities on unlabelled functions.")
form()
watch_chosen("distill", show)
