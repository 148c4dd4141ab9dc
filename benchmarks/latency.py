"""Latency of small students compared with a teacher of CodeBERT's shape: python -m benchmarks.latency

python -m benchmarks.latency [--architecture V,H,L,A,I …] [--student FOLDER …] [--examples 20] [--rounds 3]

Batch size 1, one thread, without tokenization; every function once in each round, all models and forms in turns, in
alternating order, each turn after a warm-up. Functions have their own lengths, or are padded to 400 tokens as in the
paper, with the attention mask set accordingly. They come from Devign's sample if `../shared/data` has it, otherwise
from the classroom, and are tokenized with each vocabulary size, by tokenizers trained on other functions of the same
kind.

Weights are random, except those of --student, since latency does not depend on them. CodeBERT's own tokenizer
(--teacher-tokenizer) was trained on prose and splits code into more tokens than the replacement used by default, so
without it the ratios at the functions' own lengths are too small rather than too large.

Two clocks: wall-clock time (p50) and processor time (CPU p50). They agree on an idle machine; on a busy one, the former
includes other load.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

DEVIGN = Path(__file__).resolve().parents[2] / "shared" / "data" / "devign" / "sample.jsonl"
PUBLISHED = "1000,96,12,8,64"
FAST = ("4000,112,3,4,96", "4000,128,2,4,32", "6000,96,1,4,64")
GOALS = {PUBLISHED: 35.0}
OTHERS_GOAL = 90.0
LENGTH = 400
VOCABULARY = 50_265
PAIRINGS = (
    ("pytorch", "onnx", "PyTorch → ONNX Runtime"),
    ("pytorch", "onnx-int8", "PyTorch → ONNX Runtime int8"),
    ("pytorch", "pytorch", "PyTorch → PyTorch"),
    ("onnx", "onnx", "ONNX Runtime → ONNX Runtime"),
    ("onnx-int8", "onnx-int8", "int8 → int8"),
)
"""Form of the teacher, form of the student, and label of the pairing."""


@dataclass(frozen=True)
class Candidate:
    """A model to measure: its name, and its architecture or folder."""

    name: str
    architecture: str | None = None
    folder: Path | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency of small students against a teacher of CodeBERT's shape.")
    parser.add_argument("--architecture", action="append", metavar="V,H,L,A,I", help=f"default: {' '.join(FAST)}")
    parser.add_argument("--student", type=Path, action="append", default=[], metavar="FOLDER", help="a distilled one")
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DEVIGN, help="Devign's sample")
    parser.add_argument(
        "--teacher-tokenizer", type=Path, metavar="FILE", help="CodeBERT's tokenizer.json, instead of the replacement"
    )
    parser.add_argument(
        "--plain", action="store_true", help="export with standard ONNX operators only, without fused attention"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all measurements to this file")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    candidates = [Candidate("teacher")]
    candidates += [Candidate(text, text) for text in dict.fromkeys([PUBLISHED, *(options.architecture or FAST)])]
    candidates += [Candidate(str(folder), folder=folder) for folder in options.student]
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        rows = list(measured(candidates, options, Path(folder)))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), "utf-8")
    show(rows, options)


def functions(data: Path, count: int) -> tuple[list[str], list[str], str]:
    """Functions to measure on, functions to train tokenizers on, and their description."""
    if data.is_file():
        codes = [json.loads(line)["func"] for line in data.read_text("utf-8").splitlines()]
        random.Random(0).shuffle(codes)
        return codes[:count], codes[count:], "Devign's sample"
    from compressor_core.data.dataset import Split
    from compressor_core.data.registry import open_dataset

    dataset = open_dataset("classroom-vulnerability")
    test = [example.codes[0] for example in dataset.examples(Split.TEST)]
    others = [example.codes[0] for example in dataset.examples(Split.UNLABELLED)]
    return random.Random(0).sample(test, count), others, "the classroom's test split"


def measured(candidates: Sequence[Candidate], options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """One row for each model, form and kind of length."""
    import numpy as np
    import torch

    from compressor_core.evaluate.deployed import Deployment
    from compressor_core.evaluate.rounds import Timed, in_turns
    from compressor_core.records import Form

    torch.set_num_threads(options.threads)
    codes, others, what = functions(options.data, options.examples)
    print(f"{len(codes)} functions of {what}, {options.rounds} rounds, {options.threads} thread(s)\n", flush=True)
    rows, timed = [], []
    for number, candidate in enumerate(candidates):
        own = folder / str(number)
        own.mkdir()
        classifier = made(candidate, others, options.teacher_tokenizer)
        deployment = Deployment(classifier, own, threads=options.threads, fused=not options.plain)
        encoded = list(classifier.encode([(code,) for code in codes]))
        tokens = float(np.mean([len(function) for (function,) in encoded]))
        for form in Form:
            for length in (0, LENGTH):
                inputs = [deployment.prepare(form, [one], length) for one in encoded]
                timed.append(Timed(inputs, partial(deployment.run, form)))
                size = deployment.file_mb(form) or 4e-6 * classifier.parameters
                rows.append(
                    {"name": candidate.name, "form": form.value, "padded": length > 0, "tokens": tokens, "mb": size}
                )
    try:
        for _ in in_turns(timed, options.rounds):
            pass
    except KeyboardInterrupt:
        print("Interrupted: this is what was measured so far.\n")
    for row, one in zip(rows, timed, strict=True):
        if not one.times:
            continue
        p50, p95 = np.percentile(one.times, [50, 95])
        yield {**row, "p50": float(p50), "p95": float(p95), "cpu_p50": float(np.median(one.cpu_times))}


def made(candidate: Candidate, others: Sequence[str], teachers: Path | None) -> Any:
    """Classifier of a candidate."""
    from tokenizers import Tokenizer
    from transformers import RobertaConfig, RobertaForSequenceClassification

    from compressor_core.architecture import Architecture
    from compressor_core.data.tokenizer import train_tokenizer, with_special_tokens
    from compressor_core.models.card import ModelCard
    from compressor_core.models.classifier import Classifier, load
    from compressor_core.models.student import build
    from compressor_core.task import Task

    if candidate.folder is not None:
        return load(candidate.folder)
    card = ModelCard(task=Task.VULNERABILITY, labels=("0", "1"), max_length=LENGTH)
    if candidate.architecture is None:
        config = RobertaConfig(vocab_size=VOCABULARY, max_position_embeddings=514, type_vocab_size=1)
        if teachers is None:
            tokenizer = train_tokenizer(others, VOCABULARY)
        else:
            tokenizer = with_special_tokens(Tokenizer.from_file(str(teachers)))
        return Classifier(RobertaForSequenceClassification(config), tokenizer, card)
    architecture = Architecture.parse(candidate.architecture)
    return Classifier(build(architecture), train_tokenizer(others, architecture.vocab_size), card)


def show(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    found = {(row["name"], row["form"], row["padded"]): row for row in rows}
    names = list(dict.fromkeys(row["name"] for row in rows))
    print("| model | tokens | form | MB | p50 ms | p95 | CPU p50 | padded p50 ms | p95 | CPU p50 |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in names:
        for form in dict.fromkeys(row["form"] for row in rows if row["name"] == name):
            both = [found[name, form, padded] for padded in (False, True) if (name, form, padded) in found]
            cells = " | ".join(f"{one['p50']:.2f} | {one['p95']:.2f} | {one['cpu_p50']:.2f}" for one in both)
            print(f"| {name} | {both[0]['tokens']:.0f} | {form} | {both[0]['mb']:.2f} | {cells} |")
    print("\n| teacher → student | student | goal | ratio of p50 | of CPU p50 | padded, of p50 | of CPU p50 |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for first, second, title in PAIRINGS:
        for name in names[1:]:
            needed = [("teacher", first), (name, second)]
            if any((*pair, padded) not in found for pair in needed for padded in (False, True)):
                continue
            ratios = [
                found["teacher", first, padded][clock] / found[name, second, padded][clock]
                for padded in (False, True)
                for clock in ("p50", "cpu_p50")
            ]
            goal = GOALS.get(name, OTHERS_GOAL)
            print(f"| {title} | {name} | {goal:g} | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")
    described = machine_of(options.threads)
    print(f"\n{described['processor']}, {os.cpu_count()} cores, {described['runtime']}; the paper: 4.31 at {PUBLISHED}")


def machine_of(threads: int) -> dict[str, Any]:
    from compressor_core.evaluate.measurement import described_machine

    return described_machine(threads).plain()


if __name__ == "__main__":
    main()
