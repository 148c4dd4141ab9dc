"""The classroom story: search, distillation and comparison, as three ordinary runs in a row."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from compressor_core.architecture import SearchSpace
from compressor_core.bundled import bundled_teacher
from compressor_core.errors import CompressorError, RunError
from compressor_core.runs.jobs import cancel, launch
from compressor_core.runs.kinds import MODEL
from compressor_core.runs.library import run_of
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore
from compressor_core.search.genetic import SearchSettings
from compressor_core.task import Task


@dataclass(frozen=True)
class Story:
    """The three runs; each names the one it builds on, so the id of the last identifies the story."""

    search: Run
    distill: Run
    compare: Run

    @property
    def id(self) -> str:
        return self.compare.id

    @property
    def runs(self) -> tuple[Run, Run, Run]:
        return self.search, self.distill, self.compare

    def cancel(self) -> None:
        """Cancel the runs that have not ended; a student in training is kept as it is."""
        for run in self.runs:
            with suppress(CompressorError):  # deleted, or already ended
                cancel(run)


def launch_story(
    store: RunStore,
    *,
    task: Task = Task.VULNERABILITY,
    budget_mb: float = 3.0,
    seed: int = 0,
    preset: str = "quick",
    epochs: int | None = None,
    space: SearchSpace | None = None,
) -> Story:
    """Start the story on the classroom dataset of a task with its bundled teacher.

    Raises:
        ModelError: no teacher is bundled for the task.
        BudgetError: nothing in the space, by default the classroom's, fits the budget.
        RunError, StorageError: a run cannot be started; those already started are cancelled.
    """
    search = SearchSettings(budget_mb=budget_mb, seed=seed, space=space or SearchSpace.classroom(), task=task)
    dataset = f"classroom-{task}"
    shared = {"teacher": str(bundled_teacher(dataset)), "dataset": dataset, "seed": seed}
    own = {"budget_mb": budget_mb, "preset": preset, "epochs": epochs}
    name = f"Story, {task}, {budget_mb:g} MB"
    started: list[Run] = []
    try:
        started.append(launch(store, "search", search.model_dump(mode="json"), name=name))
        started.append(launch(store, "distill", {**shared, **own, "search_run": started[0].id}, name=name))
        student = {"student": str(started[1].folder / MODEL), "names": [name], "split": "test", "beside_codebert": True}
        started.append(launch(store, "compare", {**shared, **student}, name=name))
    except CompressorError:
        for run in started:
            cancel(run)
        raise
    return Story(*started)


def open_story(store: RunStore, run_id: str) -> Story:
    """Story that ended with this comparison. Raises RunError if the run is not the last of a story, or one is gone."""
    compare = store.get(run_id)
    if compare.kind == "compare":
        distill = run_of(store, compare.config.get("student"))
        if distill is not None and distill.config.get("search_run"):
            search = store.get(str(distill.config["search_run"]))
            if search.kind == "search":  # the architecture may also come from a trade-off
                return Story(search, distill, compare)
    raise RunError(f"Run {run_id} is not the end of a story: open it on the Runs page.")
