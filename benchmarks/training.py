"""Speed of training students and of labelling, compared with the published loop on the same data and machine.

python -m benchmarks.training [--threads 1] [--rounds 5] [--data FILE] [--teacher DIR]

The published loop is reimplemented from the paper's description: every function padded to 400 tokens, eager attention
with dropout 0.1, float32, random batches of 16. Ours is the loop of this program, run step by step. All loops take
turns within one run, so that other load on the machine affects all equally. Loss curves are compared with the same
initial weights and without dropout: first on the same batches, where they must agree up to rounding, then on each
loop's own batches. Labelling is the forward pass of a teacher of CodeBERT's shape, or of the given one.
"""

from __future__ import annotations

import argparse
import copy
import functools
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import RobertaConfig, RobertaForSequenceClassification

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.data.registry import open_dataset
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.distill.batching import Data, batches
from compressor_core.distill.lessons import soft_label_divergence
from compressor_core.distill.settings import TrainingSettings
from compressor_core.distill.soft_labels import labelling_batch
from compressor_core.distill.trainer import fit
from compressor_core.models.classifier import load
from compressor_core.models.compute import Precision
from compressor_core.models.inference import predict
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.records import Step, Work

PUBLISHED = Architecture(1000, 96, 12, 8, 64)
FAST = Architecture(2000, 160, 2, 4, 64)
"""Same size on disk as the published one, which has the most GFLOPs with 12 layers; with two layers it is faster."""
DEVIGN = Path(__file__).resolve().parents[2] / "shared" / "data" / "devign" / "sample.jsonl"
LENGTH, BATCH, PAD = 400, 16, 1
LOSS = functools.partial(soft_label_divergence, temperature=2.0)
SETTINGS = TrainingSettings(epochs=1000, learning_rate=1e-4, batch_size=BATCH, threads=None)


class Loop(NamedTuple):
    """A named training loop: a generator of the loss of each step of `BATCH` examples."""

    name: str
    architecture: Architecture
    steps: Iterator[float]
    per_turn: int


def functions(path: Path | None) -> tuple[str, list[str]]:
    """Functions to learn from, and their description: Devign's sample if available, else the classroom's."""
    if path is not None:
        return path.name, [e.codes[0] for e in open_dataset("devign", str(path)).everything()]  # type: ignore[attr-defined]
    return "classroom", [e.codes[0] for e in ClassroomVulnerability().examples(Split.UNLABELLED)[:1500]]


def encoded(codes: Sequence[str], vocab_size: int) -> list[Encoded]:
    tokenizer = train_tokenizer(codes, vocab_size)
    return [(FunctionInput(ids),) for ids in tokenizer(list(codes), truncation=True, max_length=LENGTH)["input_ids"]]


def padded(inputs: Sequence[Encoded], length: int = LENGTH) -> dict[str, Tensor]:
    ids = torch.full((len(inputs), length), PAD)
    for row, (function,) in enumerate(inputs):
        ids[row, : len(function.ids)] = torch.tensor(function.ids)
    return {"input_ids": ids, "attention_mask": (ids != PAD).long()}


def published_model(architecture: Architecture, dropout: float = 0.1) -> nn.Module:
    shape: dict[str, Any] = architecture.to_dict()
    config = RobertaConfig(  # type: ignore[call-arg]
        **shape,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=PAD,
        num_labels=2,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        attn_implementation="eager",
    )
    return RobertaForSequenceClassification(config)


def published(model: nn.Module, data: Data, order: Iterator[list[int]], rates: Iterator[float]) -> Iterator[float]:
    """Published loop: one loss per step, on the batches in `order` with the learning rates in `rates`."""
    inputs, targets = data
    groups = [
        {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": SETTINGS.weight_decay},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=SETTINGS.learning_rate, betas=(0.9, 0.98))
    model.train()
    for chosen, rate in zip(order, rates, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = LOSS(model(**padded([inputs[i] for i in chosen])).logits, targets[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), SETTINGS.gradient_clip)
        optimizer.step()
        yield float(loss.detach())


def ours(model: nn.Module, data: Data, settings: TrainingSettings = SETTINGS) -> Iterator[float]:
    """This program's loop: one loss per step."""

    def epoch(_: int) -> Work[Data]:
        yield from ()
        return data

    for record in fit(model, PAD, settings, epoch, None, LOSS):
        if isinstance(record, Step):
            yield record.loss


def at_random(count: int, seed: int) -> Iterator[list[int]]:
    """Endless random batches, epoch by epoch, regardless of the length of the functions."""
    rng = random.Random(seed)
    while True:
        order = rng.sample(range(count), count)
        yield from (order[start : start + BATCH] for start in range(0, count - BATCH + 1, BATCH))


def forever(value: float) -> Iterator[float]:
    while True:
        yield value


def speed(codes: Sequence[str], rounds: int, fast: Architecture) -> None:
    """Print examples per second of each loop, taking turns."""
    torch.manual_seed(0)
    inputs = encoded(codes, PUBLISHED.vocab_size)
    others = encoded(codes, fast.vocab_size)
    targets = torch.randn(len(codes), 2)
    lengths = [len(function.ids) for (function,) in inputs]
    print(f"{len(codes):,} functions, {statistics.mean(lengths):.0f} tokens on average of at most {LENGTH}")
    rates = forever(SETTINGS.learning_rate)
    order = at_random(len(codes), 0)
    loops = [
        Loop("published", PUBLISHED, published(published_model(PUBLISHED), (inputs, targets), order, rates), 1),
        Loop("ours", PUBLISHED, ours(build(PUBLISHED), (inputs, targets)), 8),
        Loop("ours, few layers", fast, ours(build(fast), (others, targets)), 24),
    ]
    for loop in loops:
        next(loop.steps)  # one-time setup
    measured: dict[str, list[float]] = {loop.name: [] for loop in loops}
    for _ in range(rounds):
        for loop in loops:
            start = time.perf_counter()
            for _ in range(loop.per_turn):
                next(loop.steps)
            measured[loop.name].append(loop.per_turn * BATCH / (time.perf_counter() - start))
    base = statistics.median(measured["published"])
    print(f"{'training loop':<20}{'V,H,L,A,I':<20}{'MB':>6}{'examples/s':>12}{'least to most':>18}{'times':>8}")
    for loop in loops:
        found = measured[loop.name]
        spread = f"{min(found):.1f} to {max(found):.1f}"
        print(
            f"{loop.name:<20}{loop.architecture!s:<20}{cost(loop.architecture).size_mb:>6.2f}"
            f"{statistics.median(found):>12.1f}{spread:>18}{statistics.median(found) / base:>8.1f}"
        )


def curves(codes: Sequence[str], steps: int) -> None:
    """Print the loss curves of both loops from the same initial weights, without dropout."""
    inputs = encoded(codes, PUBLISHED.vocab_size)
    # A learnable target nearly independent of length: whether code has many brackets.
    share = torch.tensor([code.count("(") / len(code) for code in codes])
    answer = (share > share.median()).float() * 4 - 2
    data: Data = (inputs, torch.stack([-answer, answer], 1))
    torch.manual_seed(0)
    first = build(PUBLISHED)
    settings = TrainingSettings(epochs=1, learning_rate=3e-4, batch_size=BATCH, warmup=0.1)
    cut = batches(inputs, BATCH, random.Random(f"{settings.seed}/0"))
    rates: list[float] = []

    def epoch(_: int) -> Work[Data]:
        yield from ()
        return data

    mine = []
    for record in fit(copy.deepcopy(first), PAD, settings, epoch, None, LOSS):
        if isinstance(record, Step):
            mine.append(record.loss)
            rates.append(record.learning_rate)
            if len(mine) == steps:
                break

    def theirs(order: Iterator[list[int]]) -> list[float]:
        model = published_model(PUBLISHED, dropout=0.0)
        model.load_state_dict(first.state_dict())
        return list(published(model, data, order, iter(rates)))

    same, own = theirs(iter(cut)), theirs(at_random(len(codes), 1))
    apart = max(abs(a - b) for a, b in zip(mine, same, strict=True))
    print(
        f"\nLosses of {len(mine)} steps from the same weights; on the same batches they differ by at most {apart:.1e}"
    )
    print(f"{'steps':<12}{'ours':>10}{'published':>12}{'published, own batches':>26}")
    size = max(1, len(mine) // 4)
    for start in range(0, len(mine) - size + 1, size):
        means = [statistics.mean(losses[start : start + size]) for losses in (mine, same, own)]
        print(f"{f'{start + 1} to {start + size}':<12}{means[0]:>10.4f}{means[1]:>12.4f}{means[2]:>26.4f}")


def labelling(codes: Sequence[str], teacher: Path | None, rounds: int, examples: int) -> None:
    """Print functions per second labelled by a teacher, with the padded loop and with this program's."""
    if teacher is None:
        name, length = "CodeBERT's shape", LENGTH
        torch.manual_seed(0)
        shape = Architecture(50265, 768, 12, 12, 3072)
        plain = published_model(shape).eval()
        inputs = encoded(codes, 10_000)  # a vocabulary that code of this size can fill
    else:
        model = load(teacher)
        name, length = teacher.name, model.card.max_length
        inputs = list(model.encode([(code,) for code in codes]))
        plain = model.model
    fused: Any = copy.deepcopy(plain)
    fused.set_attn_implementation("sdpa")
    plain.set_attn_implementation("eager")  # type: ignore[operator]
    rng = random.Random(0)

    def in_batches(some: Sequence[Encoded]) -> Tensor:
        with torch.inference_mode():
            parts = [plain(**padded(some[i : i + BATCH], length)).logits for i in range(0, len(some), BATCH)]
        return torch.cat(parts)

    batch_size = labelling_batch(fused)
    ways: dict[str, Callable[[Sequence[Encoded]], Tensor]] = {
        "padded, eager, float32": in_batches,
        "ours, float32": lambda some: finish(predict(fused, some, batch_size, PAD)),
        "ours, bfloat16": lambda some: finish(predict(fused, some, batch_size, PAD, Precision.BFLOAT16)),
    }
    measured: dict[str, list[float]] = {way: [] for way in ways}
    apart = dict.fromkeys(ways, 0.0)
    for _ in range(rounds):
        some = rng.sample(inputs, examples)
        exact: Tensor | None = None
        for way, label in ways.items():
            start = time.perf_counter()
            logits = label(some)
            measured[way].append(examples / (time.perf_counter() - start))
            exact = logits if exact is None else exact
            apart[way] = max(apart[way], float((logits - exact).abs().max()))
    mean = statistics.mean(len(function) for (function,) in inputs)
    print(f"\nLabelling by a teacher of {name}, {mean:.0f} tokens on average, padded to {length}")
    print(f"{'way':<26}{'functions/s':>12}{'least to most':>18}{'times':>8}{'logits differ by':>20}")
    base = statistics.median(measured["padded, eager, float32"])
    for way, found in measured.items():
        spread = f"{min(found):.2f} to {max(found):.2f}"
        median = statistics.median(found)
        print(f"{way:<26}{median:>12.2f}{spread:>18}{median / base:>8.1f}{apart[way]:>20.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, help="a Devign file (default: the sample, else the classroom's functions)")
    parser.add_argument("--fast", type=Architecture.parse, default=FAST, metavar="V,H,L,A,I")
    parser.add_argument("--steps", type=int, default=24, help="steps of the loss curves")
    parser.add_argument("--teacher", type=Path, help="for the labelling (default: random weights of CodeBERT's shape)")
    parser.add_argument("--examples", type=int, default=64, help="examples labelled by the teacher in each round")
    parser.add_argument("--parts", nargs="+", choices=("speed", "curves", "labelling"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    name, codes = functions(options.data or (DEVIGN if DEVIGN.is_file() else None))
    print(f"{name}, {options.threads} thread(s), torch {torch.__version__}")
    parts = options.parts or ("speed", "curves", "labelling")
    if "speed" in parts:
        speed(codes, options.rounds, options.fast)
    if "curves" in parts:
        curves(codes, options.steps)
    if "labelling" in parts:
        labelling(codes, options.teacher, min(options.rounds, 3), options.examples)


if __name__ == "__main__":
    main()
