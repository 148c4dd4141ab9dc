"""Ablation of the options of a distillation over seeds and datasets, as mean ± standard deviation.

python -m benchmarks.distill [--tasks …] [--options …] [--seeds 3] [--epochs 8] [--examples 2000] [--budget-mb 3]
    [--threads 1] [--results FILE] [--table]

An option is a name, optionally with a value other than below (`masked=4`), or several joined by plus signs
(`renaming+hidden=0.5`). `soft` uses soft labels only, with the architecture with the most GFLOPs in the classroom's
space that fits the budget. Compare options that add steps with `longer`, which only trains for half as many epochs
more. The effect of consistency on accuracy and on flipped answers is measured by
`--options soft longer consistency renaming+consistency`. Each cell of the table (one task, option and seed) is written
to the results file when done and is not repeated; an interrupted one resumes from its checkpoint. `--table` prints the
existing results and computes nothing.

The samples of the real benchmarks (`devign`, `bigclonebench`) are those beside the checkout, their teachers are the
published students of CodeBERT, and no function is in two splits; each seed is another partition.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from compressor_core.architecture import SearchSpace
from compressor_core.bundled import bundled_teacher
from compressor_core.cache import cache_folder
from compressor_core.data.benchmarks import bigclonebench, devign
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone
from compressor_core.data.dataset import Dataset, Example, Split, share_of
from compressor_core.data.files import FileDataset
from compressor_core.data.sampled import Sampled
from compressor_core.distill.distillation import distill
from compressor_core.distill.settings import HIDDEN_WEIGHT, DistillSettings
from compressor_core.models.released import import_released
from compressor_core.paper import Encoder
from compressor_core.progress import finish
from compressor_core.records import Epoch, Record
from compressor_core.search import Objective, optimum
from compressor_core.task import PairFeatures, Task

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
OPTIONS: dict[str, dict[str, Any]] = {
    "soft": {},
    "longer": {"longer": 1.5},
    "renaming": {"renaming": 0.5},
    "consistency": {"consistency": 0.5},
    "masked": {"masked_epochs": 2},
    "hidden": {"hidden_weight": HIDDEN_WEIGHT},
    "embeddings": {"inherit": "embeddings"},
    "layers": {"inherit": "layers"},
    "average": {"average": 3},
    "patience": {"patience": 3},
    "temperature": {"temperature": 1.0},
    "batch": {"batch_size": 32},
    "precision": {"precision": "bfloat16"},
    "architecture": {"architecture": "1000,176,3,8,64"},
}
"""Options by name: the setting that each changes, and its value."""
DEFAULT = ("soft", "longer", "renaming", "consistency", "masked", "hidden", "average", "renaming+hidden")
_SHARES = {Task.VULNERABILITY: (0.6, 0.75), Task.CLONE: (0.5, 0.7)}
"""Shares of a sample's functions at which the unlabelled part and the validation part end; both functions of a pair
must be in the same part."""
_RANDOM_PAIRS = 3
"""Random pairs of unlabelled functions added per given pair; the teacher labels them."""


class Capped(Sampled):
    """A dataset with a limited number of unlabelled examples in each draw."""

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        return self.whole.examples(split, epoch)[: self.size(split)]


def apart(dataset: FileDataset, seed: int) -> FileDataset:
    """Split the labelled rows of a sample into three parts with disjoint functions; pairs across parts are left out."""
    first, second = _SHARES[dataset.task]

    def part(code: str) -> Split:
        share = share_of(f"{seed}/{code}")
        return Split.UNLABELLED if share < first else Split.VALIDATION if share < second else Split.TEST

    rows = []
    for example in dataset.everything():
        parts = {part(code) for code in example.codes}
        if len(parts) == 1:
            rows.append((parts.pop(), example))
    if dataset.task is Task.CLONE:
        given = [example.codes for split, example in rows if split is Split.UNLABELLED]
        codes = sorted({code for pair in given for code in pair})
        rng = random.Random(seed)
        drawn = {tuple(rng.sample(codes, 2)) for _ in range(_RANDOM_PAIRS * len(given))} - set(given)
        rows += [(Split.UNLABELLED, Example((a, b), -1)) for a, b in sorted(drawn)]
    rng = random.Random(seed)
    rng.shuffle(rows)
    return replace(dataset, rows=tuple(rows))


def published(name: str, task: Task) -> Path:
    """Folder of a published student of CodeBERT, imported once."""
    out = cache_folder() / "benchmark-teachers" / name
    if not out.is_dir():
        files = DATA / "released"
        import_released(
            files / f"codebert_{task}_3mb.bin", files / f"{task}_bpe_1000.json", Encoder.CODEBERT, task, out
        )
    return out


TASKS: dict[str, tuple[Callable[[int], Dataset], Callable[[], Path], PairFeatures]] = {
    "classroom-vulnerability": (
        lambda seed: ClassroomVulnerability(seed=seed),
        lambda: bundled_teacher("classroom-vulnerability"),
        PairFeatures.COMPARE,
    ),
    "classroom-clone": (
        lambda seed: ClassroomClone(seed=seed),
        lambda: bundled_teacher("classroom-clone"),
        PairFeatures.COMPARE,
    ),
    "devign": (
        lambda seed: apart(devign(str(DATA / "devign" / "sample.jsonl")), seed),
        lambda: published("devign", Task.VULNERABILITY),
        PairFeatures.COMPARE,
    ),
    "bigclonebench": (
        lambda seed: apart(bigclonebench(str(DATA / "bigclonebench")), seed),
        lambda: published("bigclonebench", Task.CLONE),
        PairFeatures.CONCAT,
    ),
}
"""Tasks by name: the dataset for a seed, its teacher, and how the student's head combines a pair."""


def changes_of(option: str) -> dict[str, Any]:
    """Settings of an option. Raises ValueError for an unknown one."""
    changes: dict[str, Any] = {}
    for part in option.split("+"):
        name, _, value = part.partition("=")
        if name not in OPTIONS:
            raise ValueError(f"there is no option {name!r}: choose from {', '.join(OPTIONS)}")
        own = OPTIONS[name]
        changes |= {key: type(usual)(value) if value else usual for key, usual in own.items()}
    return changes


def config_of(options: argparse.Namespace, task: str, option: str, seed: int, dataset: Dataset) -> DistillSettings:
    """Settings of the distillation of one cell."""
    changes = changes_of(option)
    epochs = round(options.epochs * changes.pop("longer", 1.0))
    _, teacher, features = TASKS[task]
    objective = Objective(budget_mb=options.budget_mb, task=dataset.task, pair_features=features)
    best = optimum(SearchSpace.classroom(), objective)
    settings = {
        "teacher": str(teacher()),
        "architecture": best.short_form,
        "dataset": task,
        "budget_mb": options.budget_mb,
        "epochs": epochs,
        "seed": seed,
        "threads": options.threads,
        "pair_features": features,
        "checkpoint_steps": 200,
        # Soft labels only, regardless of the default recipe.
        "renaming": 0.0,
        "hidden_weight": 0.0,
        "inherit": "nothing",
    }
    return DistillSettings(**(settings | changes))


def cell(options: argparse.Namespace, task: str, option: str, seed: int) -> dict[str, Any]:
    """Distill once; returns the values for the table."""
    dataset: Dataset = TASKS[task][0](seed)
    if options.examples:
        dataset = Capped(dataset, {Split.UNLABELLED: options.examples})
    config = config_of(options, task, option, seed, dataset)
    work = options.results.with_suffix(".work")
    work.mkdir(parents=True, exist_ok=True)
    name = f"{task}-{option}-{seed}-{options.epochs}-{options.examples}-{options.budget_mb:g}"
    checkpoint = work / f"{name}.pt"
    before = time.monotonic()

    def show(record: Record) -> None:
        if isinstance(record, Epoch) and options.verbose:
            print(f"  {record.line}", file=sys.stderr)

    result = finish(distill(config, work / name, dataset=dataset, checkpoint=checkpoint), show)
    assert result is not None
    checkpoint.unlink(missing_ok=True)
    shutil.rmtree(work / name, ignore_errors=True)
    kept = ("accuracy", "teacher_accuracy", "agreement", "flips", "teacher_flips", "validation_accuracy", "size_mb")
    return {
        **key_of(options, task, option, seed),
        "architecture": str(config.architecture),
        **{name: getattr(result, name) for name in kept},
        "examples_tested": result.test.examples,
        "seconds": time.monotonic() - before,
    }


def key_of(options: argparse.Namespace, task: str, option: str, seed: int) -> dict[str, Any]:
    """Key that identifies a cell in the results file."""
    return {
        "task": task,
        "option": option,
        "seed": seed,
        "epochs": options.epochs,
        "examples": options.examples,
        "budget_mb": options.budget_mb,
    }


def read_results(path: Path) -> list[dict[str, Any]]:
    """Finished cells; an incomplete line is ignored."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def spread(values: Iterable[float], scale: float = 100) -> str:
    """Mean ± standard deviation, in percent or points."""
    found = [value * scale for value in values]
    deviation = statistics.stdev(found) if len(found) > 1 else 0.0
    return f"{statistics.mean(found):+.2f} ± {deviation:.2f}"


def table(rows: Sequence[Mapping[str, Any]], tasks: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """Markdown lines: for each task, the options and their differences from soft labels on the same seeds."""
    for task in tasks:
        of_task = [row for row in rows if row["task"] == task]
        if not of_task:
            continue
        soft = {row["seed"]: row for row in of_task if row["option"] == "soft"}
        teacher = spread({row["seed"]: row["teacher_accuracy"] for row in of_task}.values()).lstrip("+")
        yield f"\n{task}, {of_task[0]['budget_mb']:g} MB ({of_task[0]['architecture']}), teacher {teacher} %\n"
        yield (
            "| option | seeds | accuracy, % | to the teacher, points | to soft labels, points | agreement, % | "
            "flips, % | to soft labels, points | times the teacher's flips | time |"
        )
        yield f"|{'---|' * 10}"
        for option in dict.fromkeys([*options, *(row["option"] for row in of_task)]):
            cells = [row for row in of_task if row["option"] == option]
            if not cells:
                continue
            flips = [(row["flips"], row["teacher_flips"]) for row in cells if row.get("flips") is not None]
            of_teacher = sum(teacher for _, teacher in flips)
            pairs = [(row, soft[row["seed"]]) for row in cells if row["seed"] in soft and option != "soft"]
            paired = [row["accuracy"] - base["accuracy"] for row, base in pairs]
            steadier = [
                row["flips"] - base["flips"] for row, base in pairs if None not in (row["flips"], base["flips"])
            ]
            yield (
                "| "
                + " | ".join(
                    [
                        option,
                        str(len(cells)),
                        spread(row["accuracy"] for row in cells).lstrip("+"),
                        spread(row["accuracy"] - row["teacher_accuracy"] for row in cells),
                        spread(paired) if paired else "",
                        spread(row["agreement"] for row in cells).lstrip("+"),
                        spread(own for own, _ in flips).lstrip("+") if flips else "",
                        spread(steadier) if steadier else "",
                        f"{sum(own for own, _ in flips) / of_teacher:.1f}" if of_teacher else "",
                        f"{statistics.mean(row['seconds'] for row in cells):.0f} s",
                    ]
                )
                + " |"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--options", nargs="+", default=list(DEFAULT), metavar="OPTION")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0 on")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--examples", type=int, default=2000, help="maximum of unlabelled ones per epoch; 0: all")
    parser.add_argument("--budget-mb", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("ablation.jsonl"))
    parser.add_argument("--table", action="store_true", help="print existing results and compute nothing")
    parser.add_argument("--verbose", action="store_true", help="report each epoch on standard error")
    options = parser.parse_args()
    try:
        for option in options.options:
            changes_of(option)
    except ValueError as error:
        parser.error(str(error))
    tasks = [task for task in options.tasks if task.startswith("classroom") or DATA.is_dir()]
    for task in set(options.tasks) - set(tasks):
        print(f"{task} is left out: its sample is not in {DATA}", file=sys.stderr)

    # Seed by seed, so that an incomplete table is fair.
    wanted = [(task, option, seed) for seed in range(options.seeds) for task in tasks for option in options.options]
    done = read_results(options.results)
    for task, option, seed in [] if options.table else wanted:
        key = key_of(options, task, option, seed)
        if any(key.items() <= row.items() for row in done):
            continue
        print(f"{task}, {option}, seed {seed}", file=sys.stderr, flush=True)
        row = cell(options, task, option, seed)
        done.append(row)
        options.results.parent.mkdir(parents=True, exist_ok=True)
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(
            f"  {row['accuracy']:.4f} (teacher {row['teacher_accuracy']:.4f}), {row['seconds']:.0f} s", file=sys.stderr
        )
    same = {name: value for name, value in key_of(options, "", "", 0).items() if name not in ("task", "option", "seed")}
    rows = [row for row in done if same.items() <= row.items() and row["seed"] < options.seeds]
    what = f"{options.examples:,} examples" if options.examples else "all examples"
    print(f"{options.epochs} epochs of {what}, {options.seeds} seeds, mean ± standard deviation")
    print("\n".join(table(rows, tasks, options.options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
