"""README.md of a bundle: description of the model, measurements, usage, origin and limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from compressor_core.data.registry import DATASETS
from compressor_core.export.bundle import INT8, ONNX, PAGE, PREDICT, SUMS
from compressor_core.literal import literal, literal_code
from compressor_core.models.card import ModelCard
from compressor_core.models.graph import INPUTS
from compressor_core.models.pair import CODE
from compressor_core.models.readme import PURPOSES, TITLES, front_matter, usage
from compressor_core.records import ExportSummary
from compressor_core.task import Task

_RECIPE: Final = (
    "preset",
    "epochs",
    "masked_epochs",
    "real_functions",
    "temperature",
    "renaming",
    "consistency",
    "hidden_weight",
    "inherit",
    "average",
    "learning_rate",
    "batch_size",
    "precision",
    "unlabelled_examples",
    "base",
    "released",
)
"""Training settings shown in the README; all of them are in compressor.json."""


def model_card(card: ModelCard, result: ExportSummary) -> str:
    """Markdown from the card of a model and the result of its export, see `export`, the sources of all figures."""
    parts = (_title, _files, _measured, _use, _origin, _limits)
    name = PurePath(result.files[0]).name
    return front_matter(card, name) + "\n" + "\n\n".join("\n".join(part(card, result)) for part in parts) + "\n"


def _title(card: ModelCard, result: ExportSummary) -> Iterator[str]:
    yield f"# A model of {result.weights_mb:.2f} MB for {TITLES[card.task]}"
    yield ""
    yield (
        f"It {PURPOSES[card.task]}. It has {result.parameters:,} parameters and was made with Compressor Studio, "
        "after *Compressing Pre-trained Models of Code into 3 MB* (Shi et al., ASE 2022, arXiv 2208.07120)."
    )
    if result.warning:
        yield ""
        yield f"> **Note.** {result.warning}"


def _files(card: ModelCard, result: ExportSummary) -> Iterator[str]:
    yield "## Files"
    yield ""
    yield "| file | what it is for |"
    yield "|---|---|"
    loads = "`transformers`"
    if card.data_flow:
        loads = f"`compressor_core`: it reads the data flow of {_LANGUAGES[card.data_flow]}"
    yield f"| `config.json`, `model.safetensors` | the model for PyTorch, loaded with {loads} |"
    if card.task is Task.CLONE:
        yield f"| `{CODE.name}` | its head for pairs, which `transformers` runs if it is told to |"
    yield "| `tokenizer.json`, `tokenizer_config.json` | its tokenizer, which every form needs |"
    yield f"| `compressor.json` | labels, the {card.max_length} tokens it reads at most, how it was trained |"
    yield f"| `{ONNX}` | the model in float32 for ONNX Runtime, in any language, without PyTorch |"
    yield f"| `{INT8}` | the same with weights in 8 bits: the smallest file |"
    yield f"| `{PREDICT}` | a prediction from the command line |"
    if result.page is None:
        yield f"| `{PAGE}` | the model in a browser, without a server or a network: open the file |"
    yield f"| `{SUMS}` | checksums: `sha256sum -c {SUMS}` |"
    if result.page:
        yield ""
        yield f"There is no `{PAGE}` in this bundle: {result.page}"


def _measured(card: ModelCard, result: ExportSummary) -> Iterator[str]:
    forms = result.forms
    yield "## Measured"
    yield ""
    yield "| form | size | accuracy | largest difference to PyTorch | latency, median | 90th percentile |"
    yield "|---|---|---|---|---|---|"
    yield f"| `model.safetensors` | {result.weights_mb:.2f} MB | as `{ONNX}` | | | |"
    for name, form in forms.items():
        accuracy = "not measured"
        if form.accuracy is not None:
            accuracy = f"{form.accuracy:.2%} ({form.correct:,} of {form.examples:,})"
        yield (
            f"| `{name}` | {form.size_mb:.2f} MB | {accuracy} | {form.max_abs_difference:.2g} | "
            f"{form.latency.median:.2f} ms | {form.latency.p90:.2f} ms |"
        )
    yield ""
    part = "all" if result.split == "all" else f"the {result.split} split"
    data = f"{part} of {dataset_title(result.dataset)}"
    if result.labelled:
        yield f"- Accuracy: {data}, {result.examples:,} examples."
        yield f"- Int8 against float32: {_loss(result.loss_points)}."
    else:
        yield "- Accuracy: not measured in this export, see the note above."
    yield f"- Difference: of a logit, on {forms[ONNX].inputs} examples of {data}."
    yield (
        f"- Latency: of one query at a time, unpadded, tokenisation apart, the files taking turns; of each of "
        f"{forms[ONNX].inputs} queries the fastest of {forms[ONNX].latency.rounds} runs; "
        f"{result.machine.in_words}. On another machine it is another."
    )
    yield "- 1 MB is 10^6 bytes."
    if card.metrics:
        figures = ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in card.metrics.items())
        yield f"- When it was trained: {figures}."


def _use(card: ModelCard, result: ExportSummary) -> Iterator[str]:
    pair = card.task is Task.CLONE
    files = "one.txt other.txt" if pair else "function.txt"
    yield "## How to use it"
    yield ""
    yield "From the command line, on any machine with Python:"
    yield ""
    yield "```sh"
    yield "pip install numpy onnxruntime tokenizers"
    if card.data_flow:
        yield f"# and Compressor Studio, which extracts the data flow of {_LANGUAGES[card.data_flow]}"
    yield f"python {PREDICT} {files}         # with {ONNX}"
    yield f"python {PREDICT} --int8 {files}  # with {INT8}"
    yield "```"
    yield ""
    yield "In PyTorch, with Compressor Studio:" if card.data_flow else "In PyTorch, with `transformers`:"
    yield ""
    yield "```python"
    yield from usage(card)
    yield "```"
    yield ""
    stems = INPUTS if card.data_flow else ("input_ids", "attention_mask")
    inputs = ", ".join(f"`{stem}{side}`" for side in (("_1", "_2") if pair else ("",)) for stem in stems)
    meant = "int64, batch × length, both free; the mask is 0 where a row is padded"
    if card.data_flow:
        meant = "as `compressor_core.models.graph.arrays` describes and makes them"
    yield (
        f"In any other language: the ONNX files take {inputs} ({meant}) and give "
        "`logits` (float32, batch × 2), whose softmax is the probability of "
        f"{literal_code(card.labels[0])} and {literal_code(card.labels[1])}."
    )


def _origin(card: ModelCard, result: ExportSummary) -> Iterator[str]:
    yield "## Where it comes from"
    yield ""
    facts: dict[str, object] = {
        "teacher": card.teacher and _named(card.teacher),
        "dataset": card.dataset and dataset_title(card.dataset),
        "fingerprint of the data": card.dataset_fingerprint,
        "budget": card.budget_mb and f"{card.budget_mb:g} MB",
        "architecture (vocabulary, width, layers, heads, intermediate)": card.architecture,
        "comparison of a pair": card.pair_features,
        "seed": card.seed,
    }
    facts |= {name.replace("_", " "): card.training.get(name) for name in _RECIPE}
    facts["versions"] = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    for name, value in facts.items():
        if value is not None and value != "":
            yield f"- {name}: {value if name == 'dataset' else _figure(value)}"


def _limits(card: ModelCard, result: ExportSummary) -> Iterator[str]:
    info = next((info for info in DATASETS if info.name == card.dataset), None)
    yield "## Limits"
    yield ""
    yield f"- It reads the first {card.max_length} tokens of a function; what comes after them is not looked at."
    if info is not None and info.language is not None:
        yield f"- It was trained on {_LANGUAGES[info.language]} alone; for other languages its answer means nothing."
    else:
        yield "- For code unlike that which it was trained on, its answer means nothing."
    if info is not None and info.built_in:
        yield (
            "- The classroom data are made: real functions of Python's standard library, changed by a program. The "
            "accuracy above says how well it solves that exercise, not how many faults it finds in code of your own."
        )
    yield "- It gives a probability, not a proof, and no reason: treat its answer as a hint where to look."
    yield "- The probabilities are as they come from training; nothing was done to calibrate them."


_LANGUAGES: Final = {"c": "C", "java": "Java", "python": "Python"}


def dataset_title(name: str) -> str:
    """Title and name of a dataset; for a file only that it is a file."""
    if name == "file":
        return "a file of its user"
    return next((f"{info.title} (`{name}`)" for info in DATASETS if info.name == name), literal_code(name))


def _named(teacher: str) -> str:
    """Hugging Face name unchanged; for a folder, its meaningful part, which `model` is not."""
    path = PurePath(teacher)
    if not path.is_absolute():
        return teacher
    return f"{path.parent.name}/{path.name}" if path.name == "model" else path.name


def _loss(points: float | None) -> str:
    if not points:
        return "the same accuracy"
    return f"{abs(points):.2f} points of accuracy {'lost' if points > 0 else 'gained'}"


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else literal(str(value))
