"""The commands that repeat a story, from the settings of its runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.architecture import Architecture
from compressor_core.data.registry import DATASETS
from compressor_core.errors import CompressorError
from compressor_core.report.material import Chapter, Material, Student
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.replica import replica

PROGRAM: Final = "python -m compressor_core"
TEACHER: Final = "teacher"
STUDENT: Final = "student"
"""The folders that the commands make, where they are executed."""

_SEARCH: Final = (
    *("budget_mb", "constraint", "population", "generations", "operators", "goal", "max_latency_ms", "min_gflops"),
    *("task", "pair_features", "seed"),
)
_TRAINING: Final = (
    *("dataset", "data", "pair_features", "epochs", "batch_size", "learning_rate", "patience", "seed", "threads"),
    *("device", "precision"),
)
_TEACHER: Final = ("base", "architecture", "data_flow", "max_length", *_TRAINING)
_DISTILL: Final = (
    *("teacher", "architecture", "preset", "temperature", "renaming", "masked_epochs", "hidden_weight", "average"),
    *("label_precision", "unlabelled", "skip_bad_rows", "checkpoint_steps", *_TRAINING),
)
_STUDY: Final = (
    *("teacher", "budgets", "seeds", "space", "goal", "min_gflops", "preset", "renaming", "masked_epochs"),
    *("hidden_weight", "average", *(name for name in _TRAINING if name not in ("seed", "batch_size", "precision"))),
)
_RECIPE: Final = ("renaming", "hidden_weight", "masked_epochs", "average")


@dataclass(frozen=True)
class Repeat:
    """What repeats a story: commands, and the files by name that they read; `missing` is what cannot be repeated."""

    commands: tuple[str, ...]
    files: Mapping[str, str]
    missing: tuple[str, ...]


def repeat(story: Material) -> Repeat:
    """The commands of all runs of a story, in its order."""
    commands: list[str] = []
    missing: list[str] = []
    files: dict[str, str] = {}
    for chapter in story.searches:
        name = "search.json" if not files else f"search-{len(files) + 1}.json"
        try:
            arguments, file = _search(chapter, name)
        except CompressorError as error:
            missing.append(f"There is no command for the search: {error}")
            continue
        commands.append(command("search", arguments))
        if file is not None:
            files[name] = file
    if story.training is not None:
        commands.append(command("train-teacher", [*options(story.training.config, _TEACHER), "--out", TEACHER]))
    made: dict[str, str] = {}
    for student in story.students:
        if student.making is None or student.making.run.id in made:
            continue
        kind = "study" if student.making.run.kind == "study" else STUDENT
        number = 1 + sum(folder.split("-")[0] == kind for folder in made.values())
        out = kind if number == 1 else f"{kind}-{number}"
        line = _making(story, student, student.making, out)
        if line is None:
            missing.append(f"There is no command for the {student.making.name}: its settings are in the tables.")
        else:
            commands.append(line)
        made[student.making.run.id] = out
    if story.comparison is not None and story.comparison.result is not None:
        commands.append(_compare(story, story.comparison, [_folder(student, made) for student in story.students]))
    return Repeat(tuple(commands), files, tuple(missing))


def command(verb: str, arguments: Sequence[str]) -> str:
    """One line for a shell."""
    return f"{PROGRAM} {verb} {shlex.join(arguments)}"


def options(settings: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The settings of these names as options of a verb, which are named alike; what is None is left out."""
    found: list[str] = []
    for name in names:
        value, option = settings.get(name), "--" + name.replace("_", "-")
        if value is True or (value is False and name == "data_flow"):
            found.append(option if value else f"--no-{name.replace('_', '-')}")
        elif isinstance(value, list | tuple):
            found += [option, *map(_text, value)]
        elif value is not None and value is not False:
            text = _text(value)
            found += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return found


def architecture_of(student: Student) -> str | None:
    """As V,H,L,A,I: as asked for, or as the search found it."""
    made = student.making.config.get("architecture") if student.making else None
    if made is not None:
        return str(made)
    if student.card is not None and student.card.architecture is not None:
        return str(student.card.architecture)
    found = student.search.result.get("best") if student.search and student.search.result else None
    return None if not found else str(Architecture.from_dict(found))


def distilled_with(student: Student) -> dict[str, Any]:
    """The settings of its distillation, with what that decided itself as the student's card has it."""
    settings = dict(student.making.config) if student.making else {}
    if student.card is not None and "temperature" in student.card.training:
        # A card that does not name one of them is older than it, and so was made without.
        settings |= {name: student.card.training.get(name, 0) for name in _RECIPE}
    return settings


def _path(value: Any) -> str:
    """A path that is no option, whatever it begins with."""
    text = str(value)
    return f"./{text}" if text.startswith("-") else text


def _text(value: Any) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _search(chapter: Chapter, name: str) -> tuple[list[str], str | None]:
    """The arguments, and the file of this name that they read where options do not say everything."""
    config = SearchSettings.model_validate(chapter.config)
    usual = SearchSettings(budget_mb=config.budget_mb, space=config.space)
    rates = (config.crossover_rate, config.mutation_rate) == (usual.crossover_rate, usual.mutation_rate)
    if config.space.name and rates and config.latency is None:
        return [*options(config.model_dump(mode="json"), _SEARCH), "--space", config.space.name], None
    return ["--config", name], replica(config, chapter.run.records()[0]).model_dump_json(indent=2)


def _making(story: Material, student: Student, making: Chapter, out: str) -> str | None:
    """The command that makes a student; None if its settings cannot be said in one."""
    settings = {**making.config, "teacher": _teacher(story)}
    if making.run.kind == "distill":
        settings = {**distilled_with(student), "teacher": _teacher(story), "architecture": architecture_of(student)}
        if settings["architecture"] is None:
            return None
        return command("distill", [*options(settings, _DISTILL), "--out", out])
    if making.run.kind == "study":
        if settings.get("latency") is not None:
            return None
        return command("study", [*options(settings, _STUDY), "--out", out])
    given = options(making.config, ("tokenizer", "teacher", "task", "heads"))
    return command("import-released", [_path(making.config["checkpoint"]), *given, "--out", out])


def _folder(student: Student, made: Mapping[str, str]) -> str:
    """Where a student lies once the commands are executed."""
    out = made.get(student.making.run.id, STUDENT) if student.making else None
    if student.making is not None and student.making.run.kind == "study":
        return f"{out}/{Path(student.folder or '').name}"
    return out or student.folder or STUDENT


def _compare(story: Material, chapter: Chapter, students: Sequence[str]) -> str:
    config, result = chapter.config, chapter.result or {}
    first = story.students[0].making
    making = first.config if first else {}
    settings = {name: config.get(name, making.get(name)) for name in ("data", "seed")}
    settings |= {name: config.get(name) for name in ("latency_examples", "threads")}
    settings |= {"dataset": result.get("dataset"), "split": None if result.get("split") == "all" else result["split"]}
    models = [_path(_teacher(story) or TEACHER), *map(_path, students)]
    return command("compare", [*models, *options(settings, tuple(settings))])


def _teacher(story: Material) -> str | None:
    """The teacher's folder for a command: the one that it makes, the bundled one, or where it was."""
    if story.training is not None:
        return TEACHER
    folder = story.teacher_folder
    parts = () if folder is None else Path(folder).parts
    if parts[-3:-1] == ("assets", "teachers") and parts[-1] in {info.name for info in DATASETS if info.built_in}:
        return "/".join(parts[-3:])
    return folder
