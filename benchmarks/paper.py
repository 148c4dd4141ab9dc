"""Students compared with the paper's on samples of its test data; writes the bundled figures of the page Paper.

python -m benchmarks.paper --data DATA                  the published students in DATA/released, imported
python -m benchmarks.paper --data DATA STUDENT_FOLDER…  students of this program, from either teacher of the paper

DATA has `devign/sample.jsonl` and the folder `bigclonebench`. A figure replaces an older one of the same student in
assets/paper.json; the others are kept. The table for docs/results is printed.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import nn

from compressor_core.data.registry import open_dataset
from compressor_core.errors import ModelError
from compressor_core.evaluate.comparison import evaluate, examples_of
from compressor_core.evaluate.intervals import wilson
from compressor_core.evaluate.rounds import Timed, input_by_input, torch_threads
from compressor_core.evaluate.settings import EvaluateSettings
from compressor_core.evaluate.shape import CODEBERT, FUNCTIONS
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.inference import forward
from compressor_core.models.inputs import Encoded
from compressor_core.models.released import import_released
from compressor_core.models.student import build
from compressor_core.paper import COLUMNS, DATASET, SIZES_MB, Column, Encoder, Row, accuracy
from compressor_core.shipped import FILE, Shipped, read, write
from compressor_core.task import PairFeatures, Task

ROUNDS = 2
PLACES = {Task.VULNERABILITY: "devign/sample.jsonl", Task.CLONE: "bigclonebench"}
SAMPLES = {Task.VULNERABILITY: "a sample of Devign's test functions", Task.CLONE: "a sample of the paper's test pairs"}


def measured(folder: Path, column: Column, row: Row, data: Path, *, imported: bool) -> Shipped:
    """Accuracy on the whole sample, and latency compared with a model of CodeBERT's shape, on one thread."""
    place, name = data / PLACES[column.task], DATASET[column.task]
    student = load(folder)
    dataset = open_dataset(name, str(place))
    scores = evaluate(EvaluateSettings(model=folder, dataset=name, data=place))
    examples, _ = examples_of(dataset, None, {"the student": student})
    chosen = random.Random(0).sample([example.codes for example in examples], FUNCTIONS)
    milliseconds, of_codebert = processor_times(student, chosen)
    title = f"published student, {column.title}" if imported else folder.name
    return Shipped(
        encoder=column.encoder,
        task=column.task,
        row=row,
        imported=imported,
        name=title,
        architecture=str(student.card.architecture),
        seed=None if imported else student.card.seed,
        parameters=student.parameters,
        size_mb=size_on_disk(folder) / 1e6,
        correct=scores.correct,
        examples=scores.examples,
        f1=scores.f1,
        milliseconds=milliseconds,
        codebert_milliseconds=of_codebert,
        queries=len(chosen),
        data=SAMPLES[column.task],
        fingerprint=dataset.fingerprint,
        command="python -m benchmarks.paper --data DATA" + ("" if imported else f" {folder.name}"),
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(1),
    )


def processor_times(student: Classifier, codes: Sequence[tuple[str, ...]]) -> tuple[float, float]:
    """Median processor times of one query on one thread, in ms, of the student and of CodeBERT's shape.

    They take turns on the same tokens. On a machine with other load, wall-clock time would favour short queries, which
    end before they are interrupted.
    """
    features = student.card.pair_features or PairFeatures.COMPARE
    models = student.model.to("cpu"), build(CODEBERT, student.card.task, features).eval()
    encoded = list(student.encode(codes))

    def answering(model: nn.Module) -> Callable[[Encoded], object]:
        return torch.inference_mode()(lambda one: forward(model, [one], student.pad_id))

    timed = [Timed(encoded, answering(model)) for model in models]
    with torch_threads(1):
        for _ in input_by_input(timed, ROUNDS):
            pass
    first, second = (float(np.median(one.cpu_times)) for one in timed)
    return first, second


def published(data: Path) -> Iterator[Shipped]:
    """Figures of the published students of 3 MB."""
    with tempfile.TemporaryDirectory() as folder:
        for column in COLUMNS:
            out = Path(folder) / f"{column.encoder}-{column.task}"
            files = data / "released" / f"{column.encoder}_{column.task}_3mb.bin"
            import_released(files, files.with_name(f"{column.task}_bpe_1000.json"), column.encoder, column.task, out)
            yield measured(out, column, Row.STUDENT_3, data, imported=True)


def own(folder: Path, data: Path) -> Shipped:
    """Figure of a student of this program, whose folder, or its teacher's, is named after the pre-trained model."""
    card, size_mb = load(folder).card, size_on_disk(folder) / 1e6
    named = f"{folder.name} {card.teacher}".casefold()
    encoder = next((one for one in sorted(Encoder, key=len, reverse=True) if one.value in named), None)
    if encoder is None:
        raise ModelError(
            f"{folder} does not say whose student it is: let its name begin with codebert or graphcodebert"
        )
    row = min(SIZES_MB, key=lambda one: abs(SIZES_MB[one] - size_mb))
    return measured(folder, Column(encoder, card.task), row, data, imported=False)


def markdown(figures: Sequence[Shipped]) -> Iterator[str]:
    yield "| student | V, H, L, A, I | published | accuracy here | MB | ms | CodeBERT's shape, ms | times faster |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in figures:
        low, high = (100 * end for end in wilson(one.correct, one.examples))
        yield (
            f"| {one.name} | {one.architecture} | {accuracy(one.row, one.column):.2f}% | "
            f"{100 * one.correct / one.examples:.1f}% ({low:.1f} to {high:.1f}), {one.correct:,} of {one.examples:,} | "
            f"{one.size_mb:.2f} | {one.milliseconds:.1f} | {one.codebert_milliseconds:.0f} | "
            f"{one.codebert_milliseconds / one.milliseconds:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("students", nargs="*", type=Path, metavar="STUDENT_FOLDER")
    parser.add_argument("--data", type=Path, required=True, help="folder with the samples and the published students")
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    found = (own(folder, options.data) for folder in options.students) if options.students else published(options.data)
    for one in found:
        kept = {old.name: old for old in read(options.out)} | {one.name: one}
        order = sorted(kept.values(), key=lambda each: (COLUMNS.index(each.column), not each.imported, each.name))
        write(options.out, tuple(order))
        print(one.name, f"{one.correct} of {one.examples}", flush=True)
    print("\n".join(markdown(read(options.out))))


if __name__ == "__main__":
    main()
