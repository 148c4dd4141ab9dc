"""The command line's verbs and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from shtab import SUPPORTED_SHELLS, complete

from compressor_core import __version__
from compressor_core import cli as verbs
from compressor_core.cli.fields import add_fields
from compressor_core.distill.distillation_settings import HIDDEN_WEIGHT, RENAMING, DistillSettings
from compressor_core.errors import SettingsError
from compressor_core.evaluate.settings import (
    CalibrationSettings,
    CompareSettings,
    EvaluateSettings,
    MeasureSettings,
    ReproduceSettings,
)
from compressor_core.export.settings import ExportSettings
from compressor_core.language import Language
from compressor_core.models.bundled import FROM_SCRATCH
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.settings import ModelSettings
from compressor_core.search.tradeoff import TradeoffSettings
from compressor_core.settings import description_of

Record = dict[str, Any]
Verb = Callable[[argparse.Namespace], Record]
_PRECISIONS = ("float32", "bfloat16", "float16")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (see {self.prog} --help)")


class _Completion(argparse.Action):
    """Print the shell's completion of the command `compressor`, however this process was started."""

    def __call__(
        self, whole: argparse.ArgumentParser, namespace: argparse.Namespace, shell: Any, option: str | None = None
    ) -> NoReturn:
        print(complete(parser("compressor"), shell))
        whole.exit()


def parser(prog: str = "python -m compressor_core") -> argparse.ArgumentParser:
    """All verbs. What it cannot parse is a SettingsError; `verb` of what it parsed is the function to call with it."""
    whole = _Parser(prog=prog, description="Shrink pre-trained models of code.")
    whole.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    whole.add_argument(
        "--print-completion", choices=SUPPORTED_SHELLS, action=_Completion, help="print what completes it in a shell"
    )
    commands = whole.add_subparsers(metavar="VERB", required=True, parser_class=_Parser)

    def add(name: str, run: Verb, text: str, to: Any = commands) -> argparse.ArgumentParser:
        verb: argparse.ArgumentParser = to.add_parser(name, help=text, description=text)
        verb.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
        verb.set_defaults(verb=run)
        return verb

    cost = add("cost", verbs.cost, "What an architecture costs: parameters, size, GFLOPs.")
    for option in ("--vocab-size", "--hidden-size", "--num-layers", "--num-heads", "--intermediate-size"):
        cost.add_argument(option, type=int, required=True)
    add_fields(cost, ModelSettings, leave_out={"latency"})
    cost.add_argument("--sequence-length", type=int, default=400, metavar="TOKENS", help="tokens per function")

    search = add("search", verbs.search, "Search for the architecture with the most GFLOPs within a size budget.")
    budget = f"{description_of(SearchSettings, 'budget_mb')} (default: 3)"
    search.add_argument("--budget-mb", type=float, default=3.0, metavar="NUMBER", help=budget)
    add_fields(search, SearchSettings, leave_out={"budget_mb", "latency"})
    _calibration(search)
    search.add_argument(
        "--config", type=Path, metavar="FILE", help="repeat a search from the JSON that the page Search wrote"
    )

    calibrate = add("calibrate", verbs.calibrate, "Measure this machine once, and fit what predicts latency on it.")
    add_fields(calibrate, CalibrationSettings)

    sweep = add("sweep", verbs.sweep, "Many searches in one go: over seeds, or the optimum over budgets.")
    sweep.add_argument("--over", choices=("seed", "budget"), default="seed", help="what the sweep varies")
    sweep.add_argument("--seeds", type=int, help="how many, from --seed on (default: 20; over budgets 0)")
    sweep.add_argument("--budget-mb", type=float, default=3.0, help="of a sweep over seeds (default: 3)")
    sweep.add_argument("--from-mb", type=float, default=1.0, help="the smallest budget of a sweep over budgets")
    sweep.add_argument("--to-mb", type=float, default=100.0, help="the largest")
    sweep.add_argument("--budgets", type=int, default=40, help="how many, beside the paper's 3, 25 and 50 MB")
    sweep.add_argument("--operators", nargs="+", choices=("studio", "paper"), default=["studio"])
    add_fields(sweep, SearchSettings, leave_out={"budget_mb", "operators", "latency", "max_latency_ms"})

    tradeoff = add("tradeoff", verbs.tradeoff, "The front of several objectives: NSGA-II beside the true front.")
    tradeoff.add_argument(
        "--objectives",
        default="size,gflops",
        help="two or three of size, gflops, latency, parameters, accuracy (default: size,gflops)",
    )
    tradeoff.add_argument("--budget-mb", type=float, help="the largest size")
    tradeoff.add_argument("--min-gflops", type=float, help="in the paper's account")
    tradeoff.add_argument("--max-latency-ms", type=float, help="predicted; needs --calibration")
    tradeoff.add_argument("--max-parameters", type=float)
    tradeoff.add_argument("--min-accuracy", type=float, help="0 to 1, of measured students")
    _calibration(tradeoff)
    tradeoff.add_argument(
        "--dataset", default="classroom-vulnerability", help="that the students were measured on, for accuracy"
    )
    add_fields(tradeoff, TradeoffSettings, leave_out={"objectives", "limits", "latency", "students"})

    teacher = add("train-teacher", verbs.train_teacher, "Fine-tune an encoder, or train a small one from scratch.")
    teacher.add_argument("--base", default=FROM_SCRATCH, help=f"a Hugging Face name or folder, or {FROM_SCRATCH}")
    teacher.add_argument("--architecture", metavar="V,H,L,A,I", help="of a teacher that is trained from scratch")
    _pair_features(teacher)
    teacher.add_argument(
        "--data-flow",
        action=argparse.BooleanOptionalAction,
        help="whether it reads data flow beside the tokens (default: as the base was trained, GraphCodeBERT does)",
    )
    teacher.add_argument("--max-length", type=int, default=256, metavar="TOKENS")
    teacher.add_argument("--epochs", type=int, default=3)
    _training(teacher, batch_size=32)

    distill = add("distill", verbs.distill, "Distill a teacher into a student that fits a budget.")
    distill.add_argument("--teacher", required=True, metavar="DIR")
    distill.add_argument("--budget-mb", type=float, help="take the architecture with the most GFLOPs that fits")
    distill.add_argument("--space", choices=("paper", "classroom"), default="classroom")
    distill.add_argument("--architecture", metavar="V,H,L,A,I")
    _pair_features(distill)
    distill.add_argument("--preset", default="quick", help="smoke, quick or full")
    distill.add_argument("--epochs", type=int, help="instead of the preset's")
    distill.add_argument("--temperature", type=float, default=DistillSettings.temperature)
    distill.add_argument(
        "--renaming",
        type=float,
        metavar="SHARE",
        help=f"of the examples that come again, renamed (default: {RENAMING:g} where the language is known; of code "
        "that is drawn anew only of functions with --preset full)",
    )
    distill.add_argument(
        "--masked-epochs",
        type=int,
        default=DistillSettings.masked_epochs,
        help="of masked-language warm-up on the same code (default: %(default)s)",
    )
    distill.add_argument(
        "--hidden-weight",
        type=float,
        help=f"of the distance to the teacher's states; 0: none (default: {HIDDEN_WEIGHT:g} for pairs)",
    )
    distill.add_argument(
        "--average",
        type=int,
        default=DistillSettings.average,
        metavar="EPOCHS",
        help="average the best, if it helps (default: %(default)s)",
    )
    _label_precision(distill)
    distill.add_argument(
        "--unlabelled",
        metavar="PATH",
        help="learn from this pool of code: a JSONL (.gz) or Parquet file, or a folder of them, of any size",
    )
    distill.add_argument("--checkpoint-steps", type=int, metavar="N", help="a checkpoint every N steps, too")
    _training(distill, batch_size=16)

    label = add("label", verbs.label, "Label a pool of code, or a part of it, for distillations to come.")
    label.add_argument("--teacher", required=True, metavar="DIR")
    label.add_argument("--unlabelled", required=True, metavar="PATH", help="as of distill")
    label.add_argument("--part", default="1/1", metavar="K/N", help="only the shards of the K-th of N machines")
    _label_precision(label)
    _machine(label)
    label.add_argument("--skip-bad-rows", action="store_true", help="leave out the rows that cannot be used")

    study = add("study", verbs.study, "Distill students at several budgets, with several seeds: what a megabyte buys.")
    study.add_argument("--teacher", required=True, metavar="DIR")
    _dataset(study, seed=False)
    study.add_argument("--budgets", type=float, nargs="+", metavar="MB", help="default: 0.5 1 3 10")
    study.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="default: 0 1")
    study.add_argument("--space", choices=("paper", "classroom"), default="classroom")
    study.add_argument(
        "--goal", choices=("gflops", "latency"), default="gflops", help="of what fits a budget: the most, the fastest"
    )
    study.add_argument("--calibration", metavar="RUN_OR_FILE", help="what `calibrate` measured: predicts latency")
    study.add_argument(
        "--min-gflops", type=float, help="in the paper's account; without it the fastest is the smallest there is"
    )
    study.add_argument("--runtime", choices=("onnxruntime", "pytorch"), default="onnxruntime")
    _pair_features(study)
    study.add_argument("--preset", default="quick", help="smoke, quick or full")
    study.add_argument("--epochs", type=int, help="instead of the preset's")
    for name, kind, text in (
        ("renaming", float, "share of the examples that come again, renamed"),
        ("masked-epochs", int, "of masked-language warm-up on the same code"),
        ("hidden-weight", float, "of the distance to the teacher's states"),
        ("average", int, "how many of the best epochs are averaged, if it helps"),
        ("patience", int, "stop after so many epochs without a better validation accuracy"),
    ):
        study.add_argument(f"--{name}", type=kind, metavar="N", help=f"{text} (default: as distill)")
    study.add_argument("--device", choices=("cpu", "cuda"), help="default: CUDA if there is one; on a cluster the CPU")
    study.add_argument("--threads", type=int, help="default: all cores; on a cluster one for each student")
    study.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="make the students side by side on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT, or local",
    )
    study.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="of the students; the same again goes on where it stood"
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
        "--predictions", type=Path, metavar="DIR", help="Folder for what each model says of each example."
    )

    measure = add("measure", verbs.measure, "What models cost: latency, throughput, cold start, memory and energy.")
    measure.add_argument(
        "models", type=Path, nargs="+", metavar="MODEL", help=description_of(MeasureSettings, "models")
    )
    add_fields(measure, MeasureSettings, leave_out=("models",))
    _own_file(measure)

    predict = add("predict", verbs.predict, "What a model says of one function, or of a pair.")
    predict.add_argument("model", type=Path)
    predict.add_argument("files", type=Path, nargs="+", metavar="FILE")

    export = add("export", verbs.export, "Take a model away: as ONNX, in 8 bits, or as a bundle that runs anywhere.")
    export.add_argument("model", type=Path, help=description_of(ExportSettings, "model"))
    export.add_argument(
        "--out", type=Path, required=True, metavar="PATH", help="A .onnx file; of a bundle the folder, beside its .zip."
    )
    add_fields(export, ExportSettings, leave_out=("model", "overwrite"))
    _own_file(export)
    overwriting = description_of(ExportSettings, "overwrite")
    export.add_argument("--replace", dest="overwrite", action="store_true", help=overwriting)

    released = add(
        "import-released",
        verbs.import_released,
        "Turn a student that the paper's authors published into a model folder.",
    )
    released.add_argument("checkpoint", type=Path, help=description_of(ReproduceSettings, "checkpoint"))
    measuring = ("checkpoint", "dataset", "data", "latency_examples", "threads", "seed")
    add_fields(released, ReproduceSettings, leave_out=measuring)
    released.add_argument("--out", type=Path, required=True, metavar="DIR")

    report = add("report", verbs.report, "The whole story of a run as one HTML file that opens without a network.")
    report.add_argument("run", metavar="RUN", help="its last run: a comparison, or a distillation, a search, a teacher")
    report.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file, such as report.html")

    app = commands.add_parser("app", help="Start the app, and open it in the browser.")
    app.add_argument("--port", type=int, help="default: 8501, or the next that is free")
    app.add_argument("--address", help="default: 127.0.0.1, which nobody else reaches")
    app.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a name that visitors reach it by"
    )
    app.add_argument("--no-browser", action="store_true", help="open no browser")
    app.set_defaults(verb=verbs.app, json=False)

    add("doctor", verbs.doctor, "What is installed, on which device, which fast paths are on, whether the models load.")

    runs = commands.add_parser("runs", help="The runs of the app.").add_subparsers(metavar="ACTION", required=True)
    add("list", verbs.list_runs, "All runs, newest first.", runs)
    for name, run, text in (
        ("show", verbs.show_run, "One run: state, settings, result."),
        ("cancel", verbs.cancel_run, "Ask a run to stop and keep its best so far."),
        ("delete", verbs.delete_run, "Remove a run for good."),
    ):
        add(name, run, text, runs).add_argument("id")
    return whole


def _calibration(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--calibration", metavar="RUN_OR_FILE", help="what `calibrate` measured: predicts latency")
    verb.add_argument("--runtime", choices=("onnxruntime", "pytorch"), default="onnxruntime")


def _task(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--task", choices=("vulnerability", "clone"), default="vulnerability")
    _pair_features(verb)


def _pair_features(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--pair-features",
        choices=("compare", "concat"),
        default="compare",
        help="the head of a model of pairs: compares the two functions, or concatenates them as in the paper",
    )


def _dataset(verb: argparse.ArgumentParser, *, seed: bool = True) -> None:
    verb.add_argument("--dataset", default="classroom-vulnerability")
    verb.add_argument("--data", metavar="PATH", help="a JSONL or CSV file, or the folder of a benchmark")
    _own_file(verb)
    if seed:
        verb.add_argument("--seed", type=int, default=0)


def _own_file(verb: argparse.ArgumentParser) -> None:
    """What has to be said of a file whose columns, labels or language cannot be guessed."""
    verb.add_argument("--columns", metavar="func=NAME,…", help="of --dataset file, where they cannot be guessed")
    verb.add_argument("--positive", metavar="VALUE", help="the label that means 1, where labels are other words")
    verb.add_argument("--language", choices=[str(language) for language in Language], help="of the code in the file")
    verb.add_argument("--skip-bad-rows", action="store_true", help="leave out the rows of the file that cannot be used")


def _machine(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--threads", type=int, help="default: all cores")
    verb.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: CUDA or MPS if there is one")


def _label_precision(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--label-precision",
        choices=_PRECISIONS,
        help="of the teacher while it labels (default: half precision on CUDA, and for a teacher of 512 dimensions or "
        "more on a CPU with units for it; else float32)",
    )


def _training(verb: argparse.ArgumentParser, batch_size: int) -> None:
    _dataset(verb)
    verb.add_argument("--batch-size", type=int, default=batch_size)
    verb.add_argument("--learning-rate", type=float)
    verb.add_argument("--patience", type=int, help="stop after so many epochs without a better validation accuracy")
    _machine(verb)
    verb.add_argument(
        "--precision",
        choices=_PRECISIONS,
        help="of the matrix products (default: half precision on CUDA, float32 on a CPU)",
    )
    verb.add_argument("--out", type=Path, required=True, metavar="DIR")
    verb.add_argument("--resume", action="store_true", help="go on from the checkpoint beside --out")
