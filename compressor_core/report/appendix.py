"""End of a report: settings, versions, data, and the commands that repeat the story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compressor_core.architecture import SearchSpace
from compressor_core.distill.settings import DistillSettings, TeacherSettings
from compressor_core.figures.words.forms import duration, gene_text, state_text
from compressor_core.machine import versions
from compressor_core.models.card import ModelCard
from compressor_core.report.commands import repeat
from compressor_core.report.material import Chapter, Material
from compressor_core.report.page import Attachment, Block, Commands, Table, Text, date
from compressor_core.runs.kinds import kind_of
from compressor_core.settings import description_of


def facts(chapter: Chapter) -> dict[str, str]:
    """ID, name, state, start and duration of a run."""
    status = chapter.status
    return {
        "Run": chapter.run.id,
        "Name": chapter.run.name or "",
        "State": state_text(status.state.value),
        "Begun": date(status.started or chapter.run.created),
        "Took": duration(status.elapsed),
    }


def settings(story: Material) -> list[Block]:
    """One table per run: its facts, and its settings by their descriptions."""
    tables: list[Block] = []
    for chapter in story.chapters:
        asked = chapter.settings
        rows = [row for row in facts(chapter).items() if row[1]]
        kind = type(asked)
        rows += [(description_of(kind, name).rstrip("."), _value(getattr(asked, name))) for name in kind.model_fields]
        tables.append(Table(kind_of(chapter.run.kind).title, rows))
    return tables


def versions_and_data(story: Material) -> list[Block]:
    """Versions of the libraries behind each model and this report, fingerprints of the data, and training settings."""
    names = student_names(story)
    made = {"Teacher": story.teacher, **{name: one.card for name, one in zip(names, story.students, strict=True)}}
    cards = {title: card for title, card in made.items() if card is not None}
    here = versions()
    packages = [*here, *(name for card in cards.values() for name in card.versions)]
    rows = [
        (name, *(str(card.versions.get(name, "–")) for card in cards.values()), here.get(name, "–"))
        for name in dict.fromkeys(packages)
    ]
    blocks: list[Block] = [
        Table("Libraries that made each model, and this report", rows, ("", *cards, "This report")),
    ]
    if cards:
        data = [(title, card.dataset or "–", card.dataset_fingerprint or "–") for title, card in cards.items()]
        blocks.append(Table("Data that each model was made with", data, ("", "Dataset", "Fingerprint")))
        blocks.append(Text("Fingerprints are equal exactly if the data are: compare them before the figures."))
    return [*blocks, *(_training(title, card) for title, card in cards.items() if card.training)]


def repeated(story: Material) -> list[Block]:
    """Commands that repeat the story, with files for settings that options cannot express."""
    found = repeat(story)
    blocks: list[Block] = [Text(sentence) for sentence in found.missing]
    if found.commands:
        blocks += [
            Text(
                "Run these in the folder of the program. Models and their scores are identical on the same machine and "
                "versions, and similar elsewhere; times always vary."
            ),
            Commands(found.commands),
        ]
    saved = [Attachment(name, text, f"Save {name}, the settings of a search") for name, text in found.files.items()]
    return [*blocks, *saved]


def student_names(story: Material) -> list[str]:
    """Distinct names of the students."""
    if len(story.students) < 2:
        return ["Student"] * len(story.students)
    named = [one.making.run.name if one.making and one.making.run.name else "" for one in story.students]
    return [f"Student {place}" + (f", {name}" if name else "") for place, name in enumerate(named, 1)]


def _training(title: str, card: ModelCard) -> Table:
    return Table(
        f"{title}: how it was trained, defaults included",
        [(_description(name), _value(value)) for name, value in card.training.items()],
    )


def _description(name: str) -> str:
    """Description of a setting on a card; its name if no training has such a setting."""
    known = next((kind for kind in (DistillSettings, TeacherSettings) if name in kind.model_fields), None)
    return description_of(known, name) if known else name


def _value(value: Any) -> str:
    """A setting on one line."""
    if value is None:
        return "not set"
    if isinstance(value, SearchSpace):
        return value.name or "; ".join(f"{gene}: {gene_text(values)}" for gene, values in value.to_dict().items())
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_value(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
