"""Memory and time of distilling on much code on this machine, extrapolated to millions of functions.

python -m benchmarks.scale [--functions 50000] [--pool] [--steps 60] [--folder DIR] [--data FILE]

The functions are those of Devign's sample with renamed identifiers, all distinct. A small teacher is trained on the
sample. Then a student of 3 MB learns from all functions in a separate process, whose peak resident memory is read from
the kernel after each phase, and once more with a warm cache. All functions are tokenized, labelled and held in memory;
training is stopped after some steps, since its memory does not grow with their number. `--pool` gives the functions as
a pool, in shards, instead of a dataset. Labelling with a teacher of CodeBERT's shape (random weights take the same
time) is timed on a few functions. Extrapolated values are marked as such: they are this machine's rate times a number.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

THREADS = 1
STUDENT = "2000,160,2,4,64"
TEACHER = "2000,64,2,2,128"
DEVIGN = Path(__file__).resolve().parents[2] / "shared" / "data" / "devign" / "sample.jsonl"
MILLIONS = (1, 10)
HELD_OUT = 100
Record = dict[str, Any]


def make(sample: Path, count: int, folder: Path, *, pool: bool) -> None:
    """Write `data.jsonl`, with a validation and a test split, and with `pool` also `pool.jsonl`."""
    from compressor_core.data.renaming import rename
    from compressor_core.language import Language

    rng = random.Random(0)
    rows = [json.loads(line) for line in sample.read_text("utf-8").splitlines()]
    rng.shuffle(rows)
    splits = {"validation": rows[:HELD_OUT], "test": rows[HELD_OUT : 2 * HELD_OUT], "train": rows[2 * HELD_OUT :]}
    held = [{"func": r["func"], "label": r["target"], "split": s} for s, some in splits.items() for r in some]
    (folder / "small.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held), "utf-8")
    with (folder / "data.jsonl").open("w") as data, (folder / "pool.jsonl").open("w") as pooled:
        for row in held if pool else held[: 2 * HELD_OUT]:
            data.write(json.dumps(row) + "\n")
        for number in range(count):
            code = splits["train"][number % len(splits["train"])]["func"]
            renamed = f"/* {number} */\n{rename(code, Language.C, rng) or code}"
            row = {"func": renamed, "label": -1, "split": "unlabelled"}
            (pooled if pool else data).write(json.dumps(row) + "\n")


def child(folder: Path, steps: int, pool: bool) -> None:
    """Distill, and print a JSON object for each phase, with its seconds and the peak resident memory in MB."""
    from compressor_core.distill.distillation import distill
    from compressor_core.distill.settings import HIDDEN_WEIGHT, DistillSettings
    from compressor_core.records import Progress, Step

    taken: list[int] = []
    unlabelled = str(folder / "pool.jsonl") if pool else None
    config = DistillSettings(
        teacher=str(folder / "teacher"),
        architecture=STUDENT,
        dataset="file",
        data=str(folder / "data.jsonl"),
        epochs=1,
        threads=THREADS,
        unlabelled=unlabelled,
        hidden_weight=None if pool else HIDDEN_WEIGHT,  # the pooled states need the most memory
    )
    phase, started = "loading", time.perf_counter()
    for record in distill(config, folder / "student", cancelled=lambda: len(taken) >= steps):
        if isinstance(record, Step):
            taken.append(record.step)
        message = record.message if isinstance(record, Progress) else ""
        found = next((name for word, name in _PHASES.items() if word in message), phase)
        if found != phase:
            _report(phase, started)
            phase, started = found, time.perf_counter()
    _report(phase, started)


_PHASES = {
    "Reading": "reading",
    "tokenizer": "training the tokenizer",
    "Encoding": "tokenizing",
    "labels": "labelling",
    "Epoch": "training",
    "test split": "measuring",
}
"""Phases by the words in progress messages that start them."""


def _report(phase: str, started: float) -> None:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024 / 1e6
    print(json.dumps({"phase": phase, "seconds": time.perf_counter() - started, "peak_mb": peak}), flush=True)


def _student(folder: Path, steps: int, pool: bool) -> dict[str, Record]:
    """Phases of one distillation in a separate process; repeated phases are summed."""
    command = [sys.executable, "-m", "benchmarks.scale", "--child", "--folder", str(folder), "--steps", str(steps)]
    lines = subprocess.run([*command, *(["--pool"] if pool else [])], check=True, stdout=subprocess.PIPE).stdout
    phases: dict[str, Record] = {}
    for line in lines.splitlines():
        record = json.loads(line)
        known = phases.setdefault(record["phase"], {"seconds": 0.0, "peak_mb": 0.0})
        known["seconds"] += record["seconds"]
        known["peak_mb"] = max(known["peak_mb"], record["peak_mb"])
    return phases


def codebert(codes: list[str], tokenizer_of: Path) -> float:
    """Functions per second labelled by a teacher of CodeBERT's shape, without tokenization."""
    import torch
    from transformers import RobertaConfig, RobertaForSequenceClassification

    from compressor_core.distill.soft_labels import labelling_batch
    from compressor_core.models.classifier import load
    from compressor_core.models.inference import predict
    from compressor_core.progress import finish

    torch.set_num_threads(THREADS)
    shape = RobertaConfig(max_position_embeddings=514, type_vocab_size=1)
    model = RobertaForSequenceClassification(shape)
    inputs = load(tokenizer_of).encode([(code,) for code in codes])
    finish(predict(model, inputs[:2], 2, 1))
    started = time.perf_counter()
    finish(predict(model, inputs, labelling_batch(model), 1))
    return len(inputs) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and time of distilling on much code.")
    parser.add_argument("--functions", type=int, default=50_000)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--pool", action="store_true", help="give the functions as a pool instead of a dataset")
    parser.add_argument("--data", type=Path, default=DEVIGN, help="Devign's sample")
    parser.add_argument("--folder", type=Path, help="folder for all files, which are kept (default: a temporary one)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.folder, options.steps, options.pool)
        return
    with tempfile.TemporaryDirectory() as temporary:
        measure(options, options.folder or Path(temporary))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(options: argparse.Namespace, folder: Path) -> None:
    from compressor_core.cache import CACHE_VARIABLE
    from compressor_core.distill.fine_tuning import train_teacher
    from compressor_core.distill.settings import TeacherSettings

    folder.mkdir(parents=True, exist_ok=True)
    os.environ[CACHE_VARIABLE] = str(folder / "cache")
    count = options.functions
    print(f"Writing {count:,} functions and training the small teacher …", file=sys.stderr)
    make(options.data, count, folder, pool=options.pool)
    teacher = TeacherSettings(
        dataset="file", data=str(folder / "small.jsonl"), architecture=TEACHER, epochs=1, threads=THREADS
    )
    for _ in train_teacher(teacher, folder / "teacher"):
        pass
    before = {name: _size(folder / "cache" / name) for name in ("tokens", "soft-labels")}
    print("Distilling, and once more with what the cache holds …", file=sys.stderr)
    first, again = (_student(folder, options.steps, options.pool) for _ in range(2))
    print(f"{count:,} functions of Devign, renamed, {THREADS} thread; student {STUDENT}, teacher {TEACHER}\n")
    print("| phase | s | peak MB | s with the cache | peak MB |\n|---|---:|---:|---:|---:|")
    for name, phase in first.items():
        other = again.get(name)
        cells = f"{other['seconds']:.0f} | {other['peak_mb']:.0f}" if other else "0 | "
        print(f"| {name} | {phase['seconds']:.0f} | {phase['peak_mb']:.0f} | {cells} |")
    codes = [json.loads(line)["func"] for line in (folder / "small.jsonl").read_text("utf-8").splitlines()[:24]]
    rate = {name: count / phase["seconds"] for name, phase in first.items()}
    rates = {
        "tokenizing for the student": rate.get("tokenizing", math.nan),
        "labelling, this small teacher": rate["labelling"],
        "labelling, a teacher of CodeBERT's shape": codebert(codes, folder / "teacher"),
        "training, one epoch": 16 * options.steps / first["training"]["seconds"],
    }
    print("\n| | functions/s, measured | " + " | ".join(f"{n} million, extrapolated" for n in MILLIONS) + " |")
    print("|---|---:|" + "---:|" * len(MILLIONS))
    for name, rate in rates.items():
        print(f"| {name} | {rate:.4g} | " + " | ".join(f"{n * 1e6 / rate / 3600:.3g} h" for n in MILLIONS) + " |")
    print(
        "\n| on the disk | bytes/function, measured | "
        + " | ".join(f"{n} million, extrapolated" for n in MILLIONS)
        + " |"
    )
    print("|---|---:|" + "---:|" * len(MILLIONS))
    for name in before:
        size = (_size(folder / "cache" / name) - before[name]) / count
        print(f"| {name} | {size:.4g} | " + " | ".join(f"{n * size / 1e3:.3g} GB" for n in MILLIONS) + " |")


if __name__ == "__main__":
    main()
