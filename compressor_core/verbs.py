"""What each verb of the command line does: options in, one record out.

Heavy modules are imported by the verbs that need them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from compressor_core.distill import processes
from compressor_core.errors import DataError, RunError

Record = dict[str, Any]
Config = TypeVar("Config")


def cost(options: argparse.Namespace) -> Record:
    from compressor_core.architecture import Architecture
    from compressor_core.cost import cost
    from compressor_core.task import PairFeatures, Task

    architecture = Architecture(
        options.vocab_size,
        options.hidden_size,
        options.num_layers,
        options.num_heads,
        options.intermediate_size,
    )
    task = Task(options.task)
    features = PairFeatures(options.pair_features)
    return {
        **architecture.to_dict(),
        "task": task.value,
        "sequence_length": options.sequence_length,
        **cost(architecture, task, features, sequence_length=options.sequence_length).to_dict(),
    }


def search(options: argparse.Namespace) -> Record:
    from compressor_core.search import SearchConfig, search_records, search_summary
    from compressor_core.search.replica import config_of, trajectory

    replica: Record | None = None
    if options.config is None:
        config = _config(SearchConfig, options, space=_space(options.space), latency=_latency_model(options))
    else:
        replica = _read_json(options.config, "the JSON of a search, as the page Search has written it")
        config = config_of(replica)
    start = time.perf_counter()
    records = []
    with _Progress(options) as progress:
        for record in search_records(config):
            records.append(record)
            if record["type"] == "generation":
                best = record["best"]
                fitness = f"best {best['fitness']:.4f}" if best else "nothing fits yet"
                progress.show(
                    record["generation"] / config.generations, f"generation {record['generation']}, {fitness}"
                )
    summary = {**search_summary(records), "seconds": time.perf_counter() - start}
    if replica is None:
        return summary
    generations = [record for record in records if record["type"] == "generation"][: replica["generations"]]
    return {**summary, "same_trajectory": trajectory(generations) == replica["trajectory"]}


def calibrate(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.calibration import calibrate
    from compressor_core.evaluate.design import CalibrationConfig

    config = _config(CalibrationConfig, options)
    with _Progress(options) as progress:
        return _follow(calibrate(config), progress)


def sweep(options: argparse.Namespace) -> Record:
    from compressor_core.search import SearchConfig
    from compressor_core.search.sweep import PAPER_BUDGETS_MB, Over, SweepConfig, budgets_between, sweep_records

    over = Over(options.over)
    count = options.seeds if options.seeds is not None else 20 if over is Over.SEED else 0
    search = _config(
        SearchConfig,
        options,
        # Over budgets, the largest stands for all until each takes its place.
        budget_mb=options.budget_mb if over is Over.SEED else max(options.to_mb, *PAPER_BUDGETS_MB),
        space=_space(options.space),
        operators=options.operators[0],
    )
    config = SweepConfig(
        search=search,
        over=over,
        seeds=tuple(range(options.seed, options.seed + count)),
        budgets=budgets_between(options.from_mb, options.to_mb, options.budgets) if over is Over.BUDGET else (),
        operators=tuple(options.operators),
    )
    with _Progress(options) as progress:
        return _follow(sweep_records(config), progress)


def tradeoff(options: argparse.Namespace) -> Record:
    from compressor_core.search.pareto import tradeoff_records, tradeoff_summary
    from compressor_core.search.quantities import Quantity
    from compressor_core.search.tradeoff import TradeoffConfig

    names = {each.name.lower(): each for each in Quantity}
    objectives = [name.strip() for name in options.objectives.split(",")]
    limits = {
        Quantity.SIZE: options.budget_mb,
        Quantity.GFLOPS: options.min_gflops,
        Quantity.LATENCY: options.max_latency_ms,
        Quantity.PARAMETERS: options.max_parameters,
        Quantity.ACCURACY: options.min_accuracy,
    }
    if unknown := [name for name in objectives if name not in names]:
        raise DataError(f"there is no objective {unknown[0]!r}: choose two or three of {', '.join(names)}")
    config = _config(
        TradeoffConfig,
        options,
        objectives=tuple(names[name] for name in objectives),
        limits={quantity: limit for quantity, limit in limits.items() if limit is not None},
        space=_space(options.space),
        latency=_latency_model(options),
        students=_students(options) if "accuracy" in objectives or options.min_accuracy is not None else (),
    )
    start = time.perf_counter()
    records = []
    with _Progress(options) as progress:
        for record in tradeoff_records(config):
            records.append(record)
            if record["type"] == "generation":
                number = record["generation"]
                progress.show(
                    number / config.generations, f"generation {number}, {record['share']:.2%} of the true hypervolume"
                )
    return {**tradeoff_summary(records), "seconds": time.perf_counter() - start}


def train_teacher(options: argparse.Namespace) -> Record:
    from compressor_core.distill.fine_tuning import SCRATCH_ARCHITECTURE, TeacherConfig, train_teacher

    architecture = options.architecture or str(SCRATCH_ARCHITECTURE)
    config = _config(TeacherConfig, options, data=_data(options), architecture=architecture)
    return _train(options, lambda checkpoint: train_teacher(config, options.out, checkpoint=checkpoint))


def distill(options: argparse.Namespace) -> Record:
    if (options.budget_mb is None) == (options.architecture is None):
        raise DataError("give either --budget-mb or --architecture V,H,L,A,I")
    from compressor_core.distill.distillation import distil
    from compressor_core.distill.distillation_settings import DistillConfig

    architecture = options.architecture or _within_budget(options)
    config = _config(DistillConfig, options, data=_data(options), architecture=architecture)
    return _train(options, lambda checkpoint: distil(config, options.out, checkpoint=checkpoint))


def label(options: argparse.Namespace) -> Record:
    from compressor_core.distill.pooled import LabelConfig, label

    with _Progress(options) as progress:
        return _follow(label(_config(LabelConfig, options)), progress)


def study(options: argparse.Namespace) -> Record:
    from compressor_core.distill.cluster import side_by_side
    from compressor_core.distill.study import one_after_another, study
    from compressor_core.distill.study_jobs import jobs
    from compressor_core.distill.study_settings import BUDGETS_MB, SEEDS, StudyConfig

    config = _config(
        StudyConfig,
        options,
        data=_data(options),
        budgets=tuple(options.budgets or BUDGETS_MB),
        seeds=tuple(options.seeds or SEEDS),
        latency=_latency_model(options),
    )
    out: Path = options.out
    for job in jobs(config):
        _require_place(out / job.name)
    with _Progress(options) as progress:
        make = side_by_side(options.cluster) if options.cluster else one_after_another
        return _follow(study(config, out, make=make), progress)


def evaluate(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import evaluate

    return evaluate(options.model, options.dataset, _data(options), options.split, seed=options.seed)


def compare(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import CompareConfig, compare

    sides = {"teacher": str(options.teacher), "student": str(options.student)}
    config = _config(CompareConfig, options, data=_data(options), threads=options.threads or 1, **sides)
    with _Progress(options) as progress:
        return _follow(compare(config), progress)


def predict(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.prediction import predict_once
    from compressor_core.models.classifier import load

    codes = [_read_code(path) for path in options.files]
    prediction = predict_once(load(options.model), tuple(codes))
    return prediction.to_dict()


def import_released(options: argparse.Namespace) -> Record:
    from compressor_core.models.card import size_on_disk
    from compressor_core.models.released import import_released
    from compressor_core.paper import Encoder
    from compressor_core.task import Task

    _require_place(options.out)
    encoder, task = Encoder(options.teacher), Task(options.task)
    student = import_released(options.checkpoint, options.tokenizer, encoder, task, options.out, heads=options.heads)
    return {
        "model": str(options.out),
        "parameters": student.parameters,
        "size_mb": size_on_disk(options.out) / 1e6,
        "architecture": str(student.card.architecture),
        "task": task.value,
        "labels": list(student.card.labels),
    }


def runs_list(options: argparse.Namespace) -> Record:
    store = _store()
    return {"root": str(store.root), "runs": [_describe_run(run) for run in store.list()]}


def runs_show(options: argparse.Namespace) -> Record:
    run = _store().get(options.id)
    events, _ = run.events()
    return {**_describe_run(run), "folder": str(run.folder), "config": run.config, "records": len(events)}


def runs_cancel(options: argparse.Namespace) -> Record:
    from compressor_core.runs import cancel

    run = _store().get(options.id)
    if not run.status().live:
        raise RunError(f"Run {run.id} is {run.status().state}: there is nothing to cancel.")
    cancel(run)
    return {"id": run.id, "cancelled": True}


def runs_delete(options: argparse.Namespace) -> Record:
    _store().delete(options.id)
    return {"id": options.id, "deleted": True}


def _config(kind: type[Config], options: argparse.Namespace, **own: Any) -> Config:
    """A configuration from the options that are named as its fields are, and `own` in the place of them."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**({name: value for name, value in vars(options).items() if name in names} | own))


def _within_budget(options: argparse.Namespace) -> str:
    """The architecture with the most GFLOPs that fits, for a student of the teacher's task."""
    from compressor_core.architecture import Architecture
    from compressor_core.models.card import read_card
    from compressor_core.search import Objective, optimum
    from compressor_core.task import PairFeatures, Task

    card = read_card(Path(options.teacher))
    task = Task.VULNERABILITY if card is None else card.task
    features = PairFeatures(options.pair_features)
    best = optimum(_space(options.space), Objective(options.budget_mb, task=task, pair_features=features))
    architecture = str(Architecture.from_dict(dict(best)))
    print(f"The best architecture within {options.budget_mb:g} MB is {architecture}", file=sys.stderr)
    return architecture


def _data(options: argparse.Namespace) -> str | None:
    """The data to read: the file as it is, or the copy that is made where something is said about it."""
    given = {"columns": options.columns, "positive": options.positive, "language": options.language}
    said = [name for name, value in given.items() if value is not None]
    pool_only = options.dataset != "file" and getattr(options, "unlabelled", None) is not None
    said += ["skip-bad-rows"] if options.skip_bad_rows and not pool_only else []
    data: str | None = options.data
    if not said:
        return data
    if options.dataset != "file" or data is None:
        raise DataError(f"--{said[0]} is about a file of your own: give --dataset file and --data FILE with it")
    from compressor_core.cache import cache_folder
    from compressor_core.data.intake import take_in
    from compressor_core.data.tables import Columns
    from compressor_core.language import Language

    copy = take_in(
        Path(data),
        cache_folder() / "files",
        columns=None if options.columns is None else Columns.parse(options.columns),
        positive=options.positive,
        language=None if options.language is None else Language(options.language),
        skip_bad_rows=options.skip_bad_rows,
    )
    return str(copy)


def _train(options: argparse.Namespace, records: Callable[[Path], Iterator[Record]]) -> Record:
    """Consume a training with its checkpoint beside the output folder; the checkpoint goes when it is done."""
    out: Path = options.out
    checkpoint = out.with_name(f"{out.name}.checkpoint.pt")
    if processes.main():  # other processes go on from the checkpoint of this one
        if not options.resume:
            checkpoint.unlink(missing_ok=True)
        elif not checkpoint.is_file():
            raise RunError(f"there is no {checkpoint} to resume from: leave --resume out to start anew")
    _require_place(out)
    with _Progress(options) as progress:
        result = _follow(records(checkpoint), progress)
    if processes.main():
        checkpoint.unlink(missing_ok=True)
    return result


def _require_place(out: Path) -> None:
    """Refuse an output folder that holds something else: saving a model replaces it."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file: choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / "compressor.json").is_file():
        raise DataError(f"{out} holds something else than a model of this program: choose another --out")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder of {out} ({error.strerror}): choose another --out") from error


def _follow(records: Iterable[Record], progress: _Progress) -> Record:
    result: Record = {}
    for record in records:
        kind = record["type"]
        if kind == "progress":
            progress.show(record.get("fraction"), record.get("message", ""))
        elif kind == "notice":
            progress.say(record["message"])
        elif kind == "student":
            progress.say(
                f"{record['budget_mb']:g} MB, seed {record['seed']}: accuracy {record['accuracy']:.4f} "
                f"(teacher {record['teacher_accuracy']:.4f}), {record['size_mb']:.3f} MB, {record['latency_ms']:.2f} ms"
            )
        elif kind == "failed":
            progress.say(f"{record['budget_mb']:g} MB, seed {record['seed']}: failed: {record['message']}")
        elif kind == "epoch":
            progress.say(
                f"epoch {record['epoch'] + 1}: loss {record['loss']:.4f}, validation accuracy "
                f"{record['validation_accuracy']:.4f}, {record['examples_per_second']:.0f} examples/s"
            )
        elif kind == "result":
            result = {key: value for key, value in record.items() if key != "type"}
    return result


class _Progress:
    """A bar on standard error; silent where nobody watches, except for whole lines."""

    def __init__(self, options: argparse.Namespace) -> None:
        from tqdm import tqdm

        form = "{percentage:3.0f}%|{bar}| {elapsed} {postfix}"
        self._bar = tqdm(total=1.0, file=sys.stderr, bar_format=form, disable=not sys.stderr.isatty(), leave=False)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, fraction: float | None, message: str) -> None:
        if fraction is not None:
            self._bar.n = min(fraction, 1.0)
        self._bar.set_postfix_str(message)

    def say(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)


def _space(name: str) -> Any:
    """A space that has a name, or the one in a JSON file."""
    from compressor_core.architecture import SearchSpace

    if name in ("paper", "classroom"):
        return SearchSpace.classroom() if name == "classroom" else SearchSpace.paper()
    return SearchSpace.from_dict(_read_json(Path(name), "a search space: paper, classroom, or a file of its genes"))


def _read_json(path: Path, what: str) -> Record:
    """One JSON object. Raises DataError, saying what it should have been."""
    import json

    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): give {what}") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no JSON object: give {what}")
    return values


def _latency_model(options: argparse.Namespace) -> Any:
    """What predicts latency, if a calibration is named."""
    if options.calibration is None:
        return None
    from compressor_core.latency import Runtime
    from compressor_core.runs.calibrations import open_calibration

    models = open_calibration(_store(), options.calibration)
    runtime = Runtime(options.runtime)
    if runtime not in models:
        raise DataError(f"the calibration {options.calibration} has no model of {runtime}: choose {', '.join(models)}")
    return models[runtime]


def _students(options: argparse.Namespace) -> Any:
    """The measured students of the dataset, among the runs of the app."""
    from compressor_core.runs.measured import measured_students
    from compressor_core.task import PairFeatures, Task

    found = measured_students(_store(), Task(options.task), PairFeatures(options.pair_features))
    return found.get(options.dataset, ())


def _store() -> Any:
    from compressor_core.runs import RunStore

    return RunStore()


def _describe_run(run: Any) -> Record:
    status = run.status()
    return {
        "id": run.id,
        "kind": run.kind,
        "name": run.name,
        "state": status.state.value,
        "created": run.created,
        "elapsed": status.elapsed,
        "progress": status.progress,
        "message": status.error or status.message,
        "result": status.result,
    }


def _read_code(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: give a file of source code") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the path") from error
    if not text.strip():
        raise DataError(f"{path} is empty: give a file with one function")
    return text
