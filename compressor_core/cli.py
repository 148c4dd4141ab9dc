"""The command line: the core's generators, printed. Heavy modules are imported by the verbs that need them."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from compressor_core.errors import CompressorError, DataError, RunError, TrainingError
from compressor_core.models.bundled import FROM_SCRATCH
from compressor_core.threads import yield_when_idle

Record = dict[str, Any]
Verb = Callable[[argparse.Namespace], Record]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"error: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted."""
    yield_when_idle()
    try:
        options = _parser().parse_args(arguments)
        # Whatever a library prints must not end up beside the one JSON object.
        with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
            result = options.verb(options)
        if options.json:
            print(json.dumps(result, allow_nan=False))
        else:
            print(_readable(result))
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    except TrainingError as error:
        return _fail(error, 1)
    except CompressorError as error:
        return _fail(error, 2)
    except KeyboardInterrupt:
        return _fail("interrupted; a training can be taken up again with --resume", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("COMPRESSOR_DEBUG"):
            raise
        return _fail(f"{type(error).__name__}: {error} (set COMPRESSOR_DEBUG=1 to see where)", 1)


def _fail(message: object, code: int) -> int:
    print("error: " + " ".join(str(message).split()), file=sys.stderr)
    return code


# --- verbs -----------------------------------------------------------------------------------------------------------


def _cost(options: argparse.Namespace) -> Record:
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


def _search(options: argparse.Namespace) -> Record:
    from compressor_core.search import SearchConfig, search_records, search_summary

    config = SearchConfig(
        budget_mb=options.budget_mb,
        constraint=options.constraint,
        seed=options.seed,
        population=options.population,
        generations=options.generations,
        space=_space(options.space),
    )
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
    return {**search_summary(records), "seconds": time.perf_counter() - start}


def _train_teacher(options: argparse.Namespace) -> Record:
    from compressor_core.distill.fine_tuning import SCRATCH_ARCHITECTURE, TeacherConfig, train_teacher

    config = TeacherConfig(
        base=options.base,
        dataset=options.dataset,
        data=options.data,
        epochs=options.epochs,
        seed=options.seed,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        max_length=options.max_length,
        patience=options.patience,
        threads=options.threads,
        architecture=options.architecture or str(SCRATCH_ARCHITECTURE),
    )
    return _train(options, lambda checkpoint: train_teacher(config, options.out, checkpoint=checkpoint))


def _distill(options: argparse.Namespace) -> Record:
    if (options.budget_mb is None) == (options.architecture is None):
        raise DataError("give either --budget-mb or --architecture V,H,L,A,I")
    architecture = options.architecture
    if architecture is None:
        from compressor_core.architecture import Architecture
        from compressor_core.search import Constraint, optimum

        best = optimum(_space(options.space), options.budget_mb, Constraint.CAP)
        architecture = str(Architecture.from_dict(dict(best)))
        print(f"The best architecture within {options.budget_mb:g} MB is {architecture}", file=sys.stderr)
    from compressor_core.distill.distillation import DistillConfig, distil

    config = DistillConfig(
        teacher=options.teacher,
        architecture=architecture,
        dataset=options.dataset,
        data=options.data,
        budget_mb=options.budget_mb,
        preset=options.preset,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        temperature=options.temperature,
        batch_size=options.batch_size,
        patience=options.patience,
        seed=options.seed,
        threads=options.threads,
    )
    return _train(options, lambda checkpoint: distil(config, options.out, checkpoint=checkpoint))


def _evaluate(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import evaluate

    return evaluate(options.model, options.dataset, options.data, options.split, seed=options.seed)


def _compare(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import CompareConfig, compare

    config = CompareConfig(
        teacher=str(options.teacher),
        student=str(options.student),
        dataset=options.dataset,
        data=options.data,
        split=options.split,
        latency_examples=options.latency_examples,
        threads=options.threads or 1,
        seed=options.seed,
    )
    with _Progress(options) as progress:
        return _follow(compare(config), progress)


def _predict(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.prediction import predict_once
    from compressor_core.models.classifier import load

    codes = [_read_code(path) for path in options.files]
    prediction = predict_once(load(options.model), tuple(codes))
    return prediction.to_dict()


def _runs_list(options: argparse.Namespace) -> Record:
    store = _store()
    return {"root": str(store.root), "runs": [_describe_run(run) for run in store.list()]}


def _runs_show(options: argparse.Namespace) -> Record:
    run = _store().get(options.id)
    events, _ = run.events()
    return {**_describe_run(run), "folder": str(run.folder), "config": run.config, "records": len(events)}


def _runs_cancel(options: argparse.Namespace) -> Record:
    from compressor_core.runs import cancel

    run = _store().get(options.id)
    if not run.status().live:
        raise RunError(f"Run {run.id} is {run.status().state}: there is nothing to cancel.")
    cancel(run)
    return {"id": run.id, "cancelled": True}


def _runs_delete(options: argparse.Namespace) -> Record:
    _store().delete(options.id)
    return {"id": options.id, "deleted": True}


# --- what the verbs share --------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace, records: Callable[[Path], Iterator[Record]]) -> Record:
    """Consume a training with its checkpoint beside the output folder; the checkpoint goes when it is done."""
    out: Path = options.out
    checkpoint = out.with_name(f"{out.name}.checkpoint.pt")
    if options.resume:
        if not checkpoint.is_file():
            raise RunError(f"there is no {checkpoint} to resume from: leave --resume out to start anew")
    elif checkpoint.exists():
        checkpoint.unlink()
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file: choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / "compressor.json").is_file():
        raise DataError(f"{out} holds something else than a model of this program: choose another --out")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder of {out} ({error.strerror}): choose another --out") from error
    with _Progress(options) as progress:
        result = _follow(records(checkpoint), progress)
    checkpoint.unlink(missing_ok=True)
    return result


def _follow(records: Iterable[Record], progress: _Progress) -> Record:
    result: Record = {}
    for record in records:
        kind = record["type"]
        if kind == "progress":
            progress.show(record.get("fraction"), record.get("message", ""))
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
    from compressor_core.architecture import SearchSpace

    return SearchSpace.classroom() if name == "classroom" else SearchSpace.paper()


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


def _readable(result: Mapping[str, Any]) -> str:
    """A result as an aligned table; lists of records as tables of their own."""
    import pandas as pd

    width = shutil.get_terminal_size((120, 40)).columns
    rows: list[tuple[str, str]] = []
    tables = []
    for key, value in _flat(result):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            frame = pd.DataFrame(value).drop(columns=["result"], errors="ignore")
            tables.append(f"\n{key}\n{frame.to_string(index=False, max_colwidth=60, line_width=width)}")
        elif not isinstance(value, list) or len(value) <= 4:
            rows.append((key, f"{value:,.6g}" if isinstance(value, float) else str(value)))
    longest = max((len(key) for key, _ in rows), default=0)
    return "\n".join([*(f"{key:<{longest}}  {value}" for key, value in rows), *tables])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


# --- the options -----------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m compressor_core", description="Shrink pre-trained models of code.")
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=_Parser)

    def add(name: str, run: Verb, text: str, to: Any = verbs) -> argparse.ArgumentParser:
        verb: argparse.ArgumentParser = to.add_parser(name, help=text, description=text)
        verb.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
        verb.set_defaults(verb=run)
        return verb

    cost = add("cost", _cost, "What an architecture costs: parameters, size, GFLOPs.")
    for option in ("--vocab-size", "--hidden-size", "--num-layers", "--num-heads", "--intermediate-size"):
        cost.add_argument(option, type=int, required=True)
    cost.add_argument("--task", choices=("vulnerability", "clone"), default="vulnerability")
    cost.add_argument("--pair-features", choices=("compare", "concat"), default="compare")
    cost.add_argument("--sequence-length", type=int, default=400, metavar="TOKENS")

    search = add("search", _search, "Search the architecture with the most GFLOPs within a size budget.")
    search.add_argument("--budget-mb", type=float, default=3.0, help="1 MB is 10^6 bytes (default: 3)")
    search.add_argument("--constraint", choices=("cap", "paper"), default="cap")
    search.add_argument("--population", type=int, default=50)
    search.add_argument("--generations", type=int, default=100)
    search.add_argument("--space", choices=("paper", "classroom"), default="paper")
    search.add_argument("--seed", type=int, default=0)

    teacher = add("train-teacher", _train_teacher, "Fine-tune an encoder, or train a small one from scratch.")
    teacher.add_argument("--base", default=FROM_SCRATCH, help=f"a Hugging Face name or folder, or {FROM_SCRATCH}")
    teacher.add_argument("--architecture", metavar="V,H,L,A,I", help="of a teacher that is trained from scratch")
    teacher.add_argument("--max-length", type=int, default=256, metavar="TOKENS")
    teacher.add_argument("--epochs", type=int, default=3)
    _training(teacher, batch_size=32)

    distill = add("distill", _distill, "Distil a teacher into a student that fits a budget.")
    distill.add_argument("--teacher", required=True, metavar="DIR")
    distill.add_argument("--budget-mb", type=float, help="take the architecture with the most GFLOPs that fits")
    distill.add_argument("--space", choices=("paper", "classroom"), default="classroom")
    distill.add_argument("--architecture", metavar="V,H,L,A,I")
    distill.add_argument("--preset", default="quick", help="smoke, quick or full")
    distill.add_argument("--epochs", type=int, help="instead of the preset's")
    distill.add_argument("--temperature", type=float, default=2.0)
    _training(distill, batch_size=16)

    evaluate = add("evaluate", _evaluate, "Score one model on a dataset.")
    evaluate.add_argument("model", type=Path)
    _dataset(evaluate)
    evaluate.add_argument("--split", help="train, unlabelled, validation or test")

    compare = add("compare", _compare, "Put teacher and student side by side: quality, agreement, latency, size.")
    compare.add_argument("teacher", type=Path)
    compare.add_argument("student", type=Path)
    _dataset(compare)
    compare.add_argument("--split", help="train, unlabelled, validation or test")
    compare.add_argument("--latency-examples", type=int, default=100)
    compare.add_argument("--threads", type=int, help="for the latency (default: 1)")

    predict = add("predict", _predict, "What a model says of one function, or of a pair.")
    predict.add_argument("model", type=Path)
    predict.add_argument("files", type=Path, nargs="+", metavar="FILE")

    runs = verbs.add_parser("runs", help="The runs of the app.").add_subparsers(metavar="ACTION", required=True)
    add("list", _runs_list, "All runs, newest first.", runs)
    for name, run, text in (
        ("show", _runs_show, "One run: state, settings, result."),
        ("cancel", _runs_cancel, "Ask a run to stop and keep its best so far."),
        ("delete", _runs_delete, "Remove a run for good."),
    ):
        add(name, run, text, runs).add_argument("id")
    return parser


def _dataset(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--dataset", default="classroom-vulnerability")
    verb.add_argument("--data", metavar="FILE")
    verb.add_argument("--seed", type=int, default=0)


def _training(verb: argparse.ArgumentParser, batch_size: int) -> None:
    _dataset(verb)
    verb.add_argument("--batch-size", type=int, default=batch_size)
    verb.add_argument("--learning-rate", type=float)
    verb.add_argument("--patience", type=int, help="stop after so many epochs without a better validation accuracy")
    verb.add_argument("--threads", type=int, help="default: all cores")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR")
    verb.add_argument("--resume", action="store_true", help="go on from the checkpoint beside --out")
