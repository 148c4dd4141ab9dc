"""Verbs of the command line and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from shtab import SUPPORTED_SHELLS, complete

from compressor_core import __version__
from compressor_core import cli as verbs
from compressor_core.architecture import SPACES
from compressor_core.cli.fields import add_fields
from compressor_core.data.changes import CHANGES
from compressor_core.distill.settings import DistillSettings, LabelSettings, StudySettings, TeacherSettings
from compressor_core.errors import SettingsError
from compressor_core.evaluate.settings import (
    CalibrationSettings,
    CompareSettings,
    EvaluateSettings,
    ExamSettings,
    MeasureSettings,
    ProbeSettings,
    ReproduceSettings,
)
from compressor_core.export.settings import ExportSettings
from compressor_core.language import Language
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.settings import ModelSettings
from compressor_core.search.tradeoff import TradeoffSettings
from compressor_core.settings import description_of

_RUNTIME = "what runs the predicted student (default: onnxruntime)"
Record = dict[str, Any]
Verb = Callable[[argparse.Namespace], Record]


_EXAMPLES = """\
examples:
  {prog} search --budget-mb 3
  {prog} distill --teacher classroom-vulnerability --budget-mb 3 --preset smoke --out student
  {prog} compare classroom-vulnerability student
  {prog} predict student function.py
  {prog} evaluate student --dataset file --data functions.csv --positive vulnerable
  {prog} export student --out bundle
  {prog} VERB --help    options of a verb
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (see {self.prog} --help)")


class _Completion(argparse.Action):
    """Print the shell completion of the command `compressor`, regardless of how this process was started."""

    def __call__(
        self, whole: argparse.ArgumentParser, namespace: argparse.Namespace, shell: Any, option: str | None = None
    ) -> NoReturn:
        print(complete(parser("compressor"), shell))
        whole.exit()


def parser(prog: str = "python -m compressor_core") -> argparse.ArgumentParser:
    """Parser of all verbs. It raises SettingsError for invalid arguments; `verb` in its result is the function to call
    with the result."""
    whole = _Parser(
        prog=prog,
        description="Shrink pre-trained models of code.",
        epilog=_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    whole.add_argument(
        "--print-completion", choices=SUPPORTED_SHELLS, action=_Completion, help="print the shell completion script"
    )
    commands = whole.add_subparsers(metavar="VERB", required=True, parser_class=_Parser)

    def add(name: str, run: Verb, text: str, to: Any = commands) -> argparse.ArgumentParser:
        verb: argparse.ArgumentParser = to.add_parser(name, help=text, description=text)
        verb.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
        verb.set_defaults(verb=run)
        return verb

    cost = add("cost", verbs.cost, "What an architecture costs: parameters, size, GFLOPs.")
    for option in ("--vocab-size", "--hidden-size", "--num-layers", "--num-heads", "--intermediate-size"):
        cost.add_argument(option, type=int, required=True, metavar="N", help="as in the model's config.json")
    add_fields(cost, ModelSettings, leave_out={"latency"})
    cost.add_argument(
        "--sequence-length", type=int, default=400, metavar="TOKENS", help="tokens per function (default: 400)"
    )

    search = add("search", verbs.search, "Search for the architecture with the most GFLOPs within a size budget.")
    budget = f"{description_of(SearchSettings, 'budget_mb')} (default: 3)"
    search.add_argument("--budget-mb", type=float, default=3.0, metavar="NUMBER", help=budget)
    add_fields(search, SearchSettings, leave_out={"budget_mb", "latency"})
    _calibration(search)
    search.add_argument(
        "--config", type=Path, metavar="FILE", help="repeat a search from the JSON of the page Search (default: none)"
    )

    calibrate = add("calibrate", verbs.calibrate, "Measure this machine once, and fit a latency model for it.")
    add_fields(calibrate, CalibrationSettings)

    sweep = add("sweep", verbs.sweep, "Many searches in one go: over seeds, or the optimum over budgets.")
    sweep.add_argument("--over", choices=("seed", "budget"), default="seed", help="what varies (default: seed)")
    sweep.add_argument("--seeds", type=int, metavar="N", help="number, from --seed on (default: 20; over budgets 0)")
    mb: dict[str, Any] = {"type": float, "metavar": "NUMBER"}
    sweep.add_argument("--budget-mb", **mb, default=3.0, help="size budget of a sweep over seeds (default: 3)")
    sweep.add_argument("--from-mb", **mb, default=1.0, help="smallest budget of a sweep over budgets (default: 1)")
    sweep.add_argument("--to-mb", **mb, default=100.0, help="largest budget of a sweep over budgets (default: 100)")
    beside = "number of budgets, besides the paper's 3, 25 and 50 MB (default: 40)"
    sweep.add_argument("--budgets", type=int, metavar="N", default=40, help=beside)
    operators = "operators of the genetic algorithm, one sweep each (default: studio)"
    sweep.add_argument("--operators", nargs="+", choices=("studio", "paper"), default=["studio"], help=operators)
    add_fields(sweep, SearchSettings, leave_out={"budget_mb", "operators", "latency", "max_latency_ms"})

    tradeoff = add("tradeoff", verbs.tradeoff, "The front of several objectives: NSGA-II beside the true front.")
    tradeoff.add_argument(
        "--objectives",
        default="size,gflops",
        help="two or three of size, gflops, latency, parameters, accuracy, flips (default: size,gflops)",
    )
    tradeoff.add_argument("--budget-mb", **mb, help="maximum size (default: none)")
    tradeoff.add_argument("--min-gflops", **mb, help="minimum, as the paper counts (default: none)")
    tradeoff.add_argument("--max-latency-ms", **mb, help="maximum, predicted; needs --calibration (default: none)")
    tradeoff.add_argument("--max-parameters", **mb, help="maximum number of parameters (default: none)")
    tradeoff.add_argument("--min-accuracy", **mb, help="0 to 1, from measured students (default: none)")
    tradeoff.add_argument("--max-flips", **mb, help="share of flipped answers, 0 to 1, likewise (default: none)")
    _calibration(tradeoff)
    tradeoff.add_argument(
        "--dataset",
        default="classroom-vulnerability",
        metavar="NAME",
        help="dataset that the students were measured on, for accuracy and flips (default: classroom-vulnerability)",
    )
    add_fields(tradeoff, TradeoffSettings, leave_out={"objectives", "limits", "latency", "students"})

    teacher = add("train-teacher", verbs.train_teacher, "Fine-tune an encoder, or train a small one from scratch.")
    add_fields(teacher, TeacherSettings)
    _own_file(teacher)
    _training(teacher)

    distill = add("distill", verbs.distill, "Distill a teacher into a student that fits a budget.")
    add_fields(distill, DistillSettings, leave_out=("search_run", "space"))
    distill.add_argument(
        "--space",
        dest="within",
        choices=tuple(SPACES),
        default="classroom",
        help="with --budget-mb: search space for the architecture with the most GFLOPs (default: classroom)",
    )
    _own_file(distill, skip=False)
    _training(distill)

    label = add("label", verbs.label, "Label a pool of code, or a part of it, for later distillations.")
    add_fields(label, LabelSettings)
    label.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="Parquet file for the answers, which can replace the teacher (default: none)",
    )

    study = add("study", verbs.study, "Distill students at several budgets, with several seeds: what a megabyte buys.")
    add_fields(study, StudySettings, leave_out=("latency",))
    _own_file(study)
    measured = "result of `calibrate`, to predict latency (default: none)"
    study.add_argument("--calibration", metavar="RUN_OR_FILE", help=measured)
    study.add_argument("--runtime", choices=("onnxruntime", "pytorch"), default="onnxruntime", help=_RUNTIME)
    study.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="make the students on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT, or local (default: none)",
    )
    study.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the students; the same command again resumes"
    )

    evaluate = add("evaluate", verbs.evaluate, "Score one model on a dataset.")
    evaluate.add_argument("model", type=Path, help=description_of(EvaluateSettings, "model"))
    add_fields(evaluate, EvaluateSettings, leave_out=("model",))
    _own_file(evaluate)

    compare = add("compare", verbs.compare, "A teacher and up to four students side by side: quality, latency, size.")
    compare.add_argument("teacher", type=Path, help=description_of(CompareSettings, "teacher"))
    compare.add_argument("students", type=Path, nargs="+", metavar="student", help="Folders of one to four students.")
    add_fields(compare, CompareSettings, leave_out=("teacher", "student", "others"))
    _own_file(compare)
    compare.add_argument(
        "--predictions",
        type=Path,
        metavar="DIR",
        help="Folder for the predictions of each model for each example (default: none).",
    )

    measure = add("measure", verbs.measure, "What models cost: latency, throughput, cold start, memory and energy.")
    measure.add_argument(
        "models", type=Path, nargs="+", metavar="MODEL", help=description_of(MeasureSettings, "models")
    )
    add_fields(measure, MeasureSettings, leave_out=("models",))
    _own_file(measure)

    exam = add("exam", verbs.exam, "What models know beyond their own test split, beside baselines: an honest exam.")
    exam.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=description_of(ExamSettings, "models"))
    add_fields(exam, ExamSettings, leave_out=("models",))
    _own_file(exam)

    probe = add("probe", verbs.probe, "Whether answers hold when code changes and its meaning does not.")
    probe.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=description_of(ProbeSettings, "models"))
    add_fields(probe, ProbeSettings, leave_out=("models", "changes"))
    changes = f"{description_of(ProbeSettings, 'changes')} Of {', '.join(CHANGES)}."
    probe.add_argument("--changes", nargs="+", metavar="KIND", default=argparse.SUPPRESS, help=changes)
    _own_file(probe)

    predict = add("predict", verbs.predict, "Predict one function, or a pair, with a model.")
    predict.add_argument("model", type=Path, help=description_of(EvaluateSettings, "model"))
    predict.add_argument("files", type=Path, nargs="+", metavar="FILE", help="one function, or two for a pair")

    export = add("export", verbs.export, "Export a model: as ONNX, in 8 bits, or as a bundle that runs anywhere.")
    export.add_argument("model", type=Path, help=description_of(ExportSettings, "model"))
    export.add_argument(
        "--out", type=Path, required=True, metavar="PATH", help="A .onnx file, or the folder of a bundle and its .zip."
    )
    add_fields(export, ExportSettings, leave_out=("model", "overwrite"))
    _own_file(export)
    overwriting = description_of(ExportSettings, "overwrite")
    export.add_argument("--replace", dest="overwrite", action="store_true", help=overwriting)

    push = add("push", verbs.push, "Send a model to the Hugging Face hub; without --send, list what would be sent.")
    push.add_argument("model", type=str, help=description_of(EvaluateSettings, "model"))
    push.add_argument("repository", metavar="USER/NAME", help="Repository on the hub; created if missing.")
    push.add_argument("--send", action="store_true", help="send it, with the token of `hf auth login`")
    push.add_argument("--licence", metavar="NAME", help="licence on the hub, such as mit; without it, that of the card")
    push.add_argument("--public", action="store_true", help="make a new repository public, not private")

    released = add(
        "import-released",
        verbs.import_released,
        "Convert a student published by the paper's authors into a model folder.",
    )
    released.add_argument("checkpoint", type=Path, help=description_of(ReproduceSettings, "checkpoint"))
    measuring = ("checkpoint", "dataset", "data", "latency_examples", "threads", "seed")
    add_fields(released, ReproduceSettings, leave_out=measuring)
    released.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the model")

    report = add("report", verbs.report, "The whole story of a run as one HTML file that opens without a network.")
    report.add_argument("run", metavar="RUN", help="last run: a comparison, a distillation, a search or a teacher")
    report.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file, such as report.html")

    app = commands.add_parser("app", help="Start the app, and open it in the browser.")
    app.add_argument("--port", type=int, metavar="N", help="default: 8501, or the next free port")
    app.add_argument("--address", metavar="ADDRESS", help="default: 127.0.0.1, reachable from this machine only")
    app.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host name by which visitors reach it (default: none)",
    )
    app.add_argument("--no-browser", action="store_true", help="open no browser")
    app.add_argument(
        "--log", type=Path, metavar="FILE", help="file for the server's messages, rotated at 10 MB (default: none)"
    )
    app.set_defaults(verb=verbs.app, json=False)

    add("doctor", verbs.doctor, "What is installed, on which device, which fast paths are on, whether the models load.")

    runs = commands.add_parser("runs", help="The runs of the app.").add_subparsers(metavar="ACTION", required=True)
    add("list", verbs.list_runs, "All runs, newest first.", runs)
    for name, run, text in (
        ("show", verbs.show_run, "One run: state, settings, result."),
        ("cancel", verbs.cancel_run, "Ask a run to stop and keep its best so far."),
        ("delete", verbs.delete_run, "Remove a run for good."),
    ):
        add(name, run, text, runs).add_argument("id", help="as `runs list` shows it")
    return whole


def _calibration(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--calibration", metavar="RUN_OR_FILE", help="result of `calibrate` (default: none)")
    verb.add_argument("--runtime", choices=("onnxruntime", "pytorch"), default="onnxruntime", help=_RUNTIME)


def _own_file(verb: argparse.ArgumentParser, *, skip: bool = True) -> None:
    columns = "columns of --dataset file, if they cannot be guessed; a comma in a name is written \\,"
    verb.add_argument("--columns", metavar="func=NAME,…", help=columns)
    verb.add_argument("--positive", metavar="VALUE", help="label of class 1, where labels are other words")
    verb.add_argument(
        "--language", choices=[str(language) for language in Language], help="language of the code of --dataset file"
    )
    if skip:
        verb.add_argument("--skip-bad-rows", action="store_true", help="skip rows of the file that cannot be used")


def _training(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the model")
    verb.add_argument("--resume", action="store_true", help="resume from the checkpoint beside --out")
