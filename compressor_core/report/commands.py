"""Commands that repeat a story, from the settings of its runs."""

from __future__ import annotations

import shlex
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.data.registry import DATASETS
from compressor_core.errors import CompressorError
from compressor_core.report.material import Chapter, Material, Student
from compressor_core.search.replica import replica
from compressor_core.settings import Settings, default_of

PROGRAM: Final = "python -m compressor_core"
TEACHER: Final = "teacher"
STUDENT: Final = "student"
"""Folders that the commands create in the working directory."""


@dataclass(frozen=True)
class Repeat:
    """Commands that repeat a story, and the files that they read, by name; `missing` lists what cannot be repeated."""

    commands: tuple[str, ...]
    files: Mapping[str, str]
    missing: tuple[str, ...]


def repeat(story: Material) -> Repeat:
    """Commands of all runs of a story, in order."""
    commands: list[str] = []
    missing: list[str] = []
    files: dict[str, str] = {}
    for chapter in story.searches:
        if chapter.run.kind != "search":
            missing.append(f"There is no command for the {chapter.name}: its settings are in the tables.")
            continue
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
        commands.append(command("train-teacher", [*options(story.training.settings), "--out", TEACHER]))
    made: dict[str, str] = {}
    for student in story.students:
        if student.making is None or student.making.run.id in made:
            continue
        kind = "study" if student.of_study else STUDENT
        number = 1 + sum(folder.split("-")[0] == kind for folder in made.values())
        out = kind if number == 1 else f"{kind}-{number}"
        line = _making(story, student, student.making, out)
        if line is None:
            missing.append(f"There is no command for the {student.making.name}: its settings are in the tables.")
        else:
            commands.append(line)
        made[student.making.run.id] = out
    if story.comparison is not None and story.comparison.summary is not None:
        commands.append(_compare(story, story.comparison, [_folder(student, made) for student in story.students]))
    return Repeat(tuple(commands), files, tuple(missing))


def command(verb: str, arguments: Sequence[str]) -> str:
    """Command as one shell line."""
    return f"{PROGRAM} {verb} {shlex.join(arguments)}"


def options(settings: Settings, leave_out: Container[str] = ()) -> list[str]:
    """Settings as command-line options, which have the same names; default values are omitted."""
    found: list[str] = []
    for name, value in settings.model_dump(mode="json").items():
        own, option = getattr(settings, name), "--" + name.replace("_", "-")
        if name in leave_out or value is None or own == default_of(type(settings), name):
            continue
        if isinstance(value, bool):
            found.append(option if value else f"--no-{option[2:]}")
        elif isinstance(value, list):
            found += [option, *map(_text, value)]
        else:
            text = str(own) if isinstance(value, dict) else _text(value)
            found += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return found


def distilled_with(student: Student) -> Any:
    """Settings of a student's distillation, with the values that it chose itself taken from the student's card."""
    settings, card = student.making.settings if student.making else None, student.card
    if settings is None or card is None:
        return settings
    decided = {name: card.training[name] for name in ("renaming", "hidden_weight") if name in card.training}
    return settings.replace(**decided, architecture=card.architecture or settings.architecture)


def _path(value: Any) -> str:
    """Path that cannot be mistaken for an option."""
    text = str(value)
    return f"./{text}" if text.startswith("-") else text


def _text(value: Any) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _search(chapter: Chapter, name: str) -> tuple[list[str], str | None]:
    """Arguments of a search; with them the content of the file `name`, if options cannot express everything."""
    settings = chapter.settings
    if settings.space.name is not None and settings.latency is None:
        # Always stated, because the default depends on the budget rule.
        return [*options(settings, ("space",)), "--space", settings.space.name], None
    return ["--config", name], replica(settings, chapter.records).model_dump_json(indent=2)


def _making(story: Material, student: Student, making: Chapter, out: str) -> str | None:
    """Command that makes a student; None if a command cannot express its settings."""
    if student.distilled:
        settings = distilled_with(student).replace(teacher=_teacher(story) or TEACHER)
        if settings.architecture is None:
            return None
        said = options(settings, ("search_run", "space", "budget_mb"))
        return command("distill", [*said, "--out", out])
    if student.of_study:
        settings = making.settings.replace(teacher=_teacher(story) or TEACHER)
        return None if settings.latency else command("study", [*options(settings), "--out", out])
    settings = making.settings
    given = ["--tokenizer", _path(settings.tokenizer), "--teacher", str(settings.teacher), "--task", str(settings.task)]
    given += [] if settings.heads is None else ["--heads", str(settings.heads)]
    return command("import-released", [_path(settings.checkpoint), *given, "--out", out])


def _folder(student: Student, made: Mapping[str, str]) -> str:
    """Folder of a student after the commands have run."""
    out = made.get(student.making.run.id, STUDENT) if student.making else None
    if student.of_study:
        return f"{out}/{Path(student.folder or '').name}"
    return out or student.folder or STUDENT


def _compare(story: Material, chapter: Chapter, students: Sequence[str]) -> str:
    said = options(chapter.settings, ("teacher", "student", "others", "names"))
    models = [_path(_teacher(story) or TEACHER), *map(_path, students)]
    return command("compare", [*models, *said])


def _teacher(story: Material) -> str | None:
    """Teacher's folder for a command: the one that the commands create, the bundled one, or the original one."""
    if story.training is not None:
        return TEACHER
    folder = story.teacher_folder
    parts = () if folder is None else Path(folder).parts
    if parts[-3:-1] == ("assets", "teachers") and parts[-1] in {info.name for info in DATASETS if info.built_in}:
        return "/".join(parts[-3:])
    return folder
