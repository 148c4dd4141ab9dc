"""The commands that repeat a story, from the settings of its runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.data.registry import DATASETS
from compressor_core.errors import CompressorError
from compressor_core.files import to_json
from compressor_core.report.material import Chapter, Material
from compressor_core.search.genetic import SearchConfig
from compressor_core.search.replica import replica

PROGRAM: Final = "python -m compressor_core"
TEACHER: Final = "teacher"
STUDENT: Final = "student"
"""The folders that the commands make, where they are executed."""
REPLICA: Final = "search.json"

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
    """What repeats a story: commands, and the file that they read, if any; `missing` says what cannot be repeated."""

    commands: tuple[str, ...]
    replica: str | None
    missing: tuple[str, ...]


def repeat(story: Material) -> Repeat:
    """The commands of all runs of a story, in its order."""
    commands: list[str] = []
    missing: list[str] = []
    file = None
    if story.search is not None:
        try:
            arguments, file = _search(story.search)
            commands.append(command("search", arguments))
        except CompressorError as error:
            missing.append(f"There is no command for the search: {error}")
    if story.training is not None:
        settings = {**story.training.config}
        commands.append(command("train-teacher", [*options(settings, _TEACHER), "--out", TEACHER]))
    student = None
    if story.making is not None:
        student, line = _making(story, story.making)
        commands += [line] if line else []
        missing += [] if line else [f"There is no command for the {story.making.name}: its settings are in the table."]
    if story.comparison is not None and story.comparison.result is not None:
        commands.append(_compare(story, story.comparison, student))
    return Repeat(tuple(commands), file, tuple(missing))


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


def architecture_of(story: Material) -> str | None:
    """The student's, as V,H,L,A,I: as asked for, or as the search found it."""
    made = story.making.config.get("architecture") if story.making else None
    if made is not None:
        return str(made)
    if story.student is not None and story.student.architecture is not None:
        return str(story.student.architecture)
    found = story.search.result.get("best") if story.search and story.search.result else None
    return None if not found else str(Architecture.from_dict(found))


def distilled_with(story: Material) -> dict[str, Any]:
    """The settings of the distillation, with what it decided itself as the student's card has it."""
    settings = dict(story.making.config) if story.making else {}
    if story.student is not None and "temperature" in story.student.training:
        # A card that does not name one of them is older than it, and so was made without.
        settings |= {name: story.student.training.get(name, 0) for name in _RECIPE}
    return settings


def _path(value: Any) -> str:
    """A path that is no option, whatever it begins with."""
    text = str(value)
    return f"./{text}" if text.startswith("-") else text


def _text(value: Any) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _search(chapter: Chapter) -> tuple[list[str], str | None]:
    """The arguments, and the file that they name where options do not say everything."""
    config = SearchConfig.from_dict(dict(chapter.config))
    names = {SearchSpace.paper(): "paper", SearchSpace.classroom(): "classroom"}
    usual = SearchConfig(config.budget_mb, space=config.space)
    rates = (config.crossover_rate, config.mutation_rate) == (usual.crossover_rate, usual.mutation_rate)
    if config.space in names and rates and config.latency is None:
        return [*options(config.to_dict(), _SEARCH), "--space", names[config.space]], None
    return ["--config", REPLICA], to_json(replica(config, chapter.records), indent=2)


def _making(story: Material, chapter: Chapter) -> tuple[str | None, str | None]:
    """Where the student will lie, and the command that makes it; None for what cannot be said."""
    settings = {**chapter.config, "teacher": _teacher(story)}
    if chapter.run.kind == "distill":
        settings = {**distilled_with(story), "teacher": _teacher(story), "architecture": architecture_of(story)}
        known = settings["architecture"] is not None
        return STUDENT, command("distill", [*options(settings, _DISTILL), "--out", STUDENT]) if known else None
    if chapter.run.kind == "study":
        name = Path(str(story.comparison.config.get("student"))).name if story.comparison else ""
        said = settings.get("latency") is None
        return f"study/{name}", command("study", [*options(settings, _STUDY), "--out", "study"]) if said else None
    given = options(chapter.config, ("tokenizer", "teacher", "task", "heads"))
    return STUDENT, command("import-released", [_path(chapter.config["checkpoint"]), *given, "--out", STUDENT])


def _compare(story: Material, chapter: Chapter, student: str | None) -> str:
    config, result = chapter.config, chapter.result or {}
    making = story.making.config if story.making else {}
    settings = {name: config.get(name, making.get(name)) for name in ("data", "seed")}
    settings |= {name: config.get(name) for name in ("latency_examples", "threads")}
    settings |= {"dataset": result.get("dataset"), "split": None if result.get("split") == "all" else result["split"]}
    models = [_path(_teacher(story) or TEACHER), _path(student or config.get("student"))]
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
