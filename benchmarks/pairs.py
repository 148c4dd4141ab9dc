"""Speed of learning from pairs that share functions, for each optimisation step by step.

python -m benchmarks.pairs [--data DIR --answers FILE] [--architecture V,H,L,A,I] [--rounds 5] [--threads 1]

`--data` is a folder in CodeXGLUE's format of BigCloneBench and `--answers` a file of recorded answers to its pairs.
Without them, pairs are drawn from functions of Python's standard library, each in twelve pairs as in BigCloneBench. All
ways take turns within one run, so that other load on the machine affects all equally.
"""

from __future__ import annotations

import argparse
import functools
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from compressor_core.architecture import Architecture
from compressor_core.data.answers import read_answers
from compressor_core.data.benchmarks import bigclonebench
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.distill.lessons import soft_label_divergence
from compressor_core.distill.settings import TrainingSettings
from compressor_core.distill.trainer import fit
from compressor_core.models.classifier import Classifier
from compressor_core.models.inputs import Encoded
from compressor_core.models.student import QuickDropout
from compressor_core.models.teacher import from_scratch
from compressor_core.records import Step, Work
from compressor_core.task import Task

LOSS = functools.partial(soft_label_divergence, temperature=1.0)
LABELS = ("different", "clone")


class Way(NamedTuple):
    """A way of learning from the same pairs."""

    name: str
    shared: bool
    precision: str
    dropout: str
    """none, plain or quick."""


WAYS = (
    Way("pairs of similar length, float32", False, "float32", "none"),
    Way("pairs that share functions, float32", True, "float32", "none"),
    Way("the same in bfloat16", True, "bfloat16", "none"),
    Way("with torch's dropout", True, "bfloat16", "plain"),
    Way("with quick dropout", True, "bfloat16", "quick"),
)


def recorded(folder: Path, answers: Path) -> tuple[list[tuple[str, ...]], Tensor]:
    found = read_answers(answers, bigclonebench(folder))
    return list(found.codes), torch.from_numpy(found.logits)


def drawn(functions: int = 1500, pairs_each: int = 6) -> tuple[list[tuple[str, ...]], Tensor]:
    codes = [e.codes[0] for e in ClassroomVulnerability().examples(Split.UNLABELLED)[:functions]]
    rng = random.Random(0)
    pairs: list[tuple[str, ...]] = [(rng.choice(codes), rng.choice(codes)) for _ in range(pairs_each * len(codes))]
    return pairs, torch.randn(len(pairs), 2)


def student(way: Way, architecture: Architecture, texts: Sequence[str], length: int) -> Classifier:
    torch.manual_seed(0)
    share = 0.0 if way.dropout == "none" else 0.1
    made = from_scratch(architecture, texts, Task.CLONE, LABELS, length, dropout=share)
    if way.dropout == "plain":
        for parent in list(made.model.modules()):
            for name, child in parent.named_children():
                if isinstance(child, QuickDropout):
                    setattr(parent, name, nn.Dropout(child.p))
    return made


def steps(way: Way, made: Classifier, inputs: Sequence[Encoded], targets: Tensor, size: int) -> Iterator[None]:
    """Learn, one step at a time."""
    settings = TrainingSettings(epochs=100, learning_rate=1e-4, batch_size=size, precision=way.precision)
    own = inputs if way.shared else list(inputs)  # a list hides which functions are shared

    def epoch(_: int) -> Work[tuple[Sequence[Encoded], Tensor]]:
        yield from ()
        return own, targets

    for record in fit(made.model, made.pad_id, settings, epoch, None, LOSS):
        if isinstance(record, Step):
            yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--architecture", type=Architecture.parse, default=Architecture(1000, 216, 1, 2, 64))
    parser.add_argument("--length", type=int, default=256, help="maximum number of tokens read per function")
    parser.add_argument("--batch", type=int, default=128, help="pairs in a step")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pairs, targets = drawn() if options.data is None else recorded(options.data, options.answers)
    texts = list(dict.fromkeys(code for pair in pairs for code in pair))
    print(f"{len(pairs):,} pairs of {len(texts):,} functions, {options.threads} thread(s), torch {torch.__version__}")
    loops = {}
    for way in WAYS:
        made = student(way, options.architecture, texts, options.length)
        inputs = made.encode(pairs)
        loops[way] = steps(way, made, inputs, targets, options.batch)
        next(loops[way])  # one-time setup
    print(f"{inputs.functions.lengths.mean():.0f} tokens a function, {options.architecture}")
    measured: dict[Way, list[float]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way, loop in loops.items():
            started = time.perf_counter()
            for _ in range(4):
                next(loop)
            measured[way].append(4 * options.batch / (time.perf_counter() - started))
    base = statistics.median(measured[WAYS[0]])
    print(f"{'way':<38}{'pairs/s':>10}{'least to most':>18}{'times':>8}")
    for way, found in measured.items():
        median = statistics.median(found)
        print(f"{way.name:<38}{median:>10.0f}{f'{min(found):.0f} to {max(found):.0f}':>18}{median / base:>8.1f}")


if __name__ == "__main__":
    main()
