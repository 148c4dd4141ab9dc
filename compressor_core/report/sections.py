"""Sections of the report of a story, built from the material of its runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from compressor_core.distill.settings import DistillSettings
from compressor_core.errors import DAMAGED, CompressorError
from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.figures.search.front import front_figure
from compressor_core.figures.search.front_info import front_info, front_sentence
from compressor_core.figures.search.info import fitness_figure, gap_sentence, search_info
from compressor_core.figures.search.population import population_figure
from compressor_core.figures.study.training import accuracy_figure, loss_figure, recipe_text, training_info
from compressor_core.figures.words.captions import outside_words
from compressor_core.figures.words.forms import duration
from compressor_core.records import Candidate, TeacherSummary
from compressor_core.report.appendix import facts, repeated, settings, student_names, versions_and_data
from compressor_core.report.commands import distilled_with
from compressor_core.report.material import Chapter, Material, Student
from compressor_core.report.page import Block, Picture, Section, Table, Text
from compressor_core.report.side_by_side import compared, comparison_lead, measured
from compressor_core.runs.kinds import kind_of
from compressor_core.search.fitness import Goal
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.tradeoff import TradeoffSettings


def title(story: Material) -> str:
    """Title of the report."""
    return story.run.name or f"{story.chapters[-1].name.capitalize()} {story.run.id}"


def lead(story: Material) -> str:
    """Outcome of the story in one sentence."""
    chapter = story.chapters[-1]
    if chapter.summary is None:
        return f"The {chapter.name} has no result."
    try:
        return _OUTCOMES[chapter.run.kind](chapter)
    except (CompressorError, *DAMAGED):
        return f"The {chapter.name} has a result that this version of the program cannot read."


def sections(story: Material) -> list[Section]:
    """Sections of the story in order, without those that would be empty."""
    parts: list[tuple[str, str, Callable[[Material], list[Block]]]] = [
        ("asked", "Task and settings", _asked),
        ("search", "The search", _search),
        ("teacher", "The teacher", _teacher),
        ("student", "The student", _student),
        ("distillation", "The distillation", _distillation),
        ("comparison", "Teacher and student side by side", _comparison),
        ("measured", "How it was measured", _measured),
        ("settings", "Settings of each run", settings),
        ("versions", "Versions and data", versions_and_data),
        ("repeat", "How to repeat it", repeated),
    ]
    found = []
    for anchor, heading, build in parts:
        try:
            blocks = build(story)
        except CompressorError as error:
            blocks = [Text(str(error))]
        except DAMAGED as error:
            what = f"{type(error).__name__}: {error}"
            blocks = [Text(f"The records of this part cannot be read ({what}): they were written by another version.")]
        if blocks:
            found.append(Section(anchor, heading, blocks))
    return found


def _asked(story: Material) -> list[Block]:
    asked = [chapter.settings for chapter in story.searches]
    search = next((one for one in asked if isinstance(one, SearchSettings)), None)
    student = story.students[0] if story.students else Student(None, None, None, None)
    making = student.making.settings if student.making else None
    first = story.chapters[0]
    card = student.card or story.teacher
    budget = getattr(search or making, "budget_mb", None)
    rows = {
        "Task": search.task if search else card.task if card else None,
        "Dataset": making.dataset if making else card.dataset if card else None,
        "Size budget": None if budget is None else f"{budget:g} MB (1 MB is 10⁶ bytes)",
        "Goal": _goal(search) if search else None,
        "Teacher": Path(story.teacher_folder).name if story.teacher_folder and not story.training else None,
        "Training of the student": _length(making) if hasattr(making, "preset") else None,
        "Seed of the search": search.seed if search else None,
        "Seed of the distillation": getattr(making, "seed", None),
        "Begun": facts(first)["Begun"],
    }
    return [
        Text("A small model, the student, is to replace a large model of code, the teacher, within a size budget.")
        if story.students
        else Text(f"A {first.name}, as one step towards a small model of code."),
        Table("In short", [(name, str(value)) for name, value in rows.items() if value is not None]),
    ]


def _goal(search: SearchSettings) -> str:
    goals = {Goal.LATENCY: "the lowest predicted latency", Goal.SIZE: "the smallest size"}
    limits = [f"at most {search.max_latency_ms:g} ms"] if search.max_latency_ms is not None else []
    limits += [f"at least {search.min_gflops:g} GFLOPs"] if search.min_gflops is not None else []
    return ", ".join([goals.get(search.goal, "computation (GFLOPs), which stands for what a model can learn"), *limits])


def _length(making: Any) -> str:
    return f"preset {making.preset}" + ("" if making.epochs is None else f", {making.epochs} epochs")


def _search(story: Material) -> list[Block]:
    return [
        block
        for chapter in story.searches
        for block in (_traded if isinstance(chapter.settings, TradeoffSettings) else _searched)(chapter)
    ]


def _traded(chapter: Chapter) -> list[Block]:
    """Blocks of a search with several objectives."""
    info = front_info(chapter.records, chapter.settings)
    blocks: list[Block] = [Text(front_sentence(info), finding=True)]
    for x, y in info.planes[:1] if info.last else []:
        what = "The front that the architecture was picked from, beside the true front of the whole space."
        blocks.append(Picture("The front", front_figure(info, x, y), f"{what}{_took(chapter)}"))
    return blocks


def _searched(chapter: Chapter) -> list[Block]:
    info = search_info(chapter.records, chapter.settings)
    blocks: list[Block] = [Text(gap_sentence(info), finding=True)]
    if info.last is None:
        return blocks
    blocks.append(
        Text(
            "A genetic algorithm keeps a population of architectures, breeds new ones from the fittest and lets the "
            f"best of both survive. It judged {info.last.evaluations:,} architectures in "
            f"{info.last.generation} generations.{_took(chapter)}"
        )
    )
    if info.best is not None:
        rows = [("Best found", *_measures(info.best))]
        rows += [("True optimum of the space", *_measures(info.optimum))] if info.optimum else []
        blocks.append(Table("Architectures as V,H,L,A,I: " + ", ".join(GENE_TITLES.values()).lower(), rows, _MEASURES))
    blocks += [
        Picture(
            "The population",
            population_figure(info, replay=True),
            f"Size against computation of the {len(info.candidates):,} architectures that ever survived, both on "
            "logarithmic axes: the last generation strong, what was seen before it faint, the true optimum as a star. "
            "The buttons play the search again, generation by generation.",
        ),
        Picture(
            "The best so far",
            fitness_figure(info),
            "The fitness of the best architecture and the mean of the population by generation, and what the best "
            "possible architecture would have.",
        ),
    ]
    return blocks


_MEASURES: Final = ("", "Architecture", "Size (MB)", "GFLOPs (paper's account)", "Fitness")


def _measures(one: Candidate) -> tuple[str, ...]:
    return one.short_form, f"{one.size_mb:.3f}", f"{one.paper_gflops:.3f}", f"{one.fitness:.4f}"


def _teacher(story: Material) -> list[Block]:
    if story.training is not None:
        made = story.training.summary
        blocks: list[Block] = []
        if made is not None:
            finding = f"The teacher is right on {made.accuracy:.1%} of the test split"
            blocks.append(Text(f"{finding}; it weighs {made.size_mb:.2f} MB.{_took(story.training)}", finding=True))
            blocks += _outside(made)
        return [*blocks, *_curves(story.training, "Loss of the teacher by training step", None)]
    if story.teacher is None:
        return []
    card = story.teacher
    rows = {
        "Folder": story.teacher_folder,
        "Architecture": None if card.architecture is None else str(card.architecture),
        "Longest input": f"{card.max_length} tokens",
        "Trained on": card.dataset,
        "Accuracy on its test split": _share(card.metrics.get("accuracy")),
    }
    return [Table("What the teacher says of itself", [(name, str(value)) for name, value in rows.items() if value])]


def _student(story: Material) -> list[Block]:
    named = zip(student_names(story), story.students, strict=True)
    return [block for name, student in named for block in _made(name, student)]


def _made(name: str, student: Student) -> list[Block]:
    """Tables of a student's architecture and figures."""
    blocks: list[Block] = []
    settings = distilled_with(student) if student.distilled else None
    if student.card is not None and student.card.architecture is not None:
        genes = zip(GENE_TITLES.values(), student.card.architecture.to_dict().values(), strict=True)
        blocks.append(Table(f"{name}: architecture", [(title, f"{value:,}") for title, value in genes]))
    made = student.making.summary if student.making and student.distilled else None
    rows = {
        "Size of the file": f"{made.size_mb:.3f} MB" if made else None,
        "Parameters": f"{made.parameters:,}" if made else None,
        "GFLOPs, paper's account": f"{made.paper_gflops:.3f}" if made else None,
        "Longest input": None if student.card is None else f"{student.card.max_length} tokens",
        "Labels": None if student.card is None else ", ".join(student.card.labels),
        "Learns from": recipe_text(settings.recipe()) if settings else None,
    }
    said = [(title, value) for title, value in rows.items() if value is not None]
    return [*blocks, *([Table(f"{name}: figures", said)] if said else [])]


def _distillation(story: Material) -> list[Block]:
    named = zip(student_names(story), story.students, strict=True)
    return [block for name, one in named if one.making for block in _taught(name, one.making, len(story.students) > 1)]


def _taught(name: str, made: Chapter, several: bool) -> list[Block]:
    """Blocks about the training of a student, or a sentence naming its origin if it was not distilled here."""
    prefix = f"{name}. " if several else ""
    if not isinstance(made.settings, DistillSettings):
        title = made.run.name or made.run.id
        return [Text(f"{prefix}The student comes from the {made.name} {title}, which has a page of its own.")]
    blocks: list[Block] = []
    if made.summary is not None:
        blocks += [
            Text(prefix + _kept(made), finding=True),
            Text(
                "The teacher labels code with its probabilities, and the student learns to give the same ones. The "
                f"epoch that did best on the validation split is kept.{_took(made)}"
            ),
            *_outside(made.summary),
        ]
    teacher = made.summary.teacher_accuracy if made.summary else None
    return [*blocks, *_curves(made, f"{prefix}Loss: how far the student is from its teacher", teacher)]


def _curves(chapter: Chapter, loss: str, teacher: float | None) -> list[Block]:
    info = training_info(chapter.run.records()[0])
    blocks: list[Block] = [Text(notice) for notice in info.notices]
    if info.steps:
        text = f"{info.last_step:,} steps; the faint line is each step, the strong one the same smoothed."
        if info.warm_up:
            losses = ", ".join(f"{value:.2f}" for value in info.warm_up)
            text += f" A warm-up on masked code came first, its loss by epoch (nats per hidden token): {losses}."
        blocks.append(Picture(loss, loss_figure(info), text))
    if info.best is not None:
        text = f"Best after epoch {info.best.number} of {len(info.epochs)}: {info.best.validation_accuracy:.1%}."
        if teacher is not None:
            text += f" The dashed line is the teacher's accuracy on the test split, {teacher:.1%}."
        blocks.append(Picture("Accuracy on the validation split", accuracy_figure(info, teacher=teacher), text))
    return blocks


def _comparison(story: Material) -> list[Block]:
    found = story.comparison.summary if story.comparison else None
    return [] if found is None else compared(found)


def _measured(story: Material) -> list[Block]:
    found = story.comparison.summary if story.comparison else None
    return [] if found is None else measured(found)


def _kept(chapter: Chapter) -> str:
    made = chapter.summary
    if made.teacher_accuracy is None:
        return (
            f"The student's accuracy on the test split is {made.accuracy:.1%} at {made.size_mb:.3f} MB. The "
            "accuracy of its teacher is not known there: the recorded answers are for other code."
        )
    kept = made.accuracy / made.teacher_accuracy if made.teacher_accuracy else 0.0
    return (
        f"The student keeps {kept:.1%} of the teacher's accuracy on the test split ({made.accuracy:.1%} against "
        f"{made.teacher_accuracy:.1%}) at {made.size_mb:.3f} MB."
    )


def _outside(made: TeacherSummary) -> list[Block]:
    said = outside_words(made)
    return [Text(said)] if said else []


def _took(chapter: Chapter) -> str:
    return "" if chapter.summary is None else f" It took {duration(chapter.summary.seconds)}."


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.2%}"


_OUTCOMES: Final[Mapping[str, Callable[[Chapter], str]]] = {
    "compare": lambda chapter: comparison_lead(chapter.summary),
    "distill": _kept,
    "search": lambda chapter: gap_sentence(search_info(chapter.records, chapter.settings)),
    "train-teacher": lambda chapter: f"The teacher: {kind_of(chapter.run.kind).headline(chapter.summary)}.",
}
"""Outcome sentence of each kind of run that can end a story."""
