"""Descriptions of the figures of a search, a training and a data flow: infos → sentences.

The sentences of all other figures are in the modules of those figures, because pages show them too.
"""

from __future__ import annotations

from typing import Final

from compressor_core.figures.search.axes import AXES, GENE_TITLES
from compressor_core.figures.search.genes import cell_text, gene_infos
from compressor_core.figures.search.info import SearchInfo, gap_sentence
from compressor_core.figures.search.plane import X, Y
from compressor_core.figures.study.dataflow import RELATIONS, DataFlowInfo, data_flow_sentence
from compressor_core.figures.study.training import TrainingInfo
from compressor_core.records import Candidate, DistillSummary, TeacherSummary

MOST_EDGES: Final = 40
"""Largest number of edges of a data flow that are listed one by one."""


def population_words(info: SearchInfo, x: str = X, y: str = Y, shown: int | None = None) -> str:
    """One generation: number of candidates, how many fit, and the best so far and the true optimum in x and y."""
    if info.last is None:
        return "The search has not begun yet."
    one = info.generations[info.at(shown)]
    fit = sum(each.feasible for each in one.individuals)
    limits = "the budget" if len(info.limits) < 2 else "the limits"
    parts = [
        f"{len(one.individuals):,} candidates of generation {one.generation}, {fit:,} of them within {limits}",
        f"the best so far, {_individual(one.best, x, y)}" if one.best else "nothing within the limits yet",
    ]
    if info.optimum:
        parts.append(f"the true optimum, {_individual(info.optimum, x, y)}")
    return f"{'; '.join(parts)}. {gap_sentence(info) if one is info.last else ''}".strip()


def diversity_words(info: SearchInfo) -> str:
    """Diversity in the first and in the last generation."""
    if info.last is None:
        return gap_sentence(info)
    first, last = info.generations[0], info.last
    return (
        f"The chance that two individuals differ in a gene: {first.diversity:.0%} in generation {first.generation}, "
        f"{last.diversity:.0%} in generation {last.generation}."
    )


def genes_words(info: SearchInfo) -> str:
    """Most frequent value of each gene in the last generation, and the value of the optimum."""
    found = []
    for each in gene_infos(info):
        row = int(each.shares[:, -1].argmax())
        optimum = f", optimum {cell_text(each.cells[each.optimum])}" if each.optimum is not None else ""
        share = f"{each.shares[row, -1]:.0%} have {cell_text(each.cells[row])}"
        found.append(f"{GENE_TITLES[each.gene].lower()}: {share}{optimum}")
    if not found or info.last is None:
        return gap_sentence(info)
    return f"Shares of the values of each gene by generation; in generation {info.last.generation}, {'; '.join(found)}."


def loss_words(info: TrainingInfo) -> str:
    """Smoothed loss at the first and at the last step."""
    if not info.steps:
        return "No step of the training has ended yet."
    return (
        f"The loss of {info.last_step:,} training steps: smoothed, {info.smoothed[0]:.3g} at first and "
        f"{info.smoothed[-1]:.3g} at the last step."
    )


def accuracy_words(info: TrainingInfo, teacher: float | None = None) -> str:
    """Accuracy of the best epoch, of the last, and of the teacher."""
    if info.best is None:
        return "No epoch has ended yet."
    last = info.epochs[-1]
    level = f" The teacher reaches {teacher:.1%} on the test split." if teacher is not None else ""
    return (
        f"Validation accuracy after each of {last.number} epochs: the best, {info.best.validation_accuracy:.1%}, after "
        f"epoch {info.best.number}; {last.validation_accuracy:.1%} after the last.{level}"
    )


def data_flow_words(info: DataFlowInfo) -> str:
    """The drawn edges: which variable takes its value from which."""
    told = []
    for edge in info.edges[:MOST_EDGES]:
        source, target = info.occurrences[edge.source], info.occurrences[edge.target]
        told.append(
            f"{target.name} in line {target.line} {RELATIONS[edge.relation]} {source.name} in line {source.line}"
        )
    more = len(info.edges) - len(told)
    rest = [f"and {more:,} more"] if more else []
    return f"{data_flow_sentence(info)} {'; '.join([*told, *rest])}.".replace(" .", "")


def _individual(one: Candidate, x: str, y: str) -> str:
    return f"{one.short_form}, with {AXES[x].text(getattr(one, x))} and {AXES[y].text(getattr(one, y))}"


def outside_words(made: TeacherSummary) -> str:
    """What a trained model, and its teacher, come to beyond the test split; empty if not measured."""
    said = []
    if made.written_by_hand is not None:
        said.append(f"Of what is written by hand, it answers {made.written_by_hand:.1%} right.")
    if made.flips is not None:
        teacher = made.teacher_flips if isinstance(made, DistillSummary) else None
        beside = "" if teacher is None else f", the teacher's on {teacher:.1%}"
        said.append(
            f"After changes that keep the label, the answer flips on {made.flips:.1%} of the functions{beside}."
        )
    return " ".join(said)
