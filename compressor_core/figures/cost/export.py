"""An export in words and figures."""

from __future__ import annotations

from typing import Final

from compressor_core.records import ExportedForm, ExportSummary
from compressor_core.task import Task

WEIGHTS, FLOAT32, INT8 = "model.safetensors", "model.onnx", "model.int8.onnx"
PURPOSES: Final = {
    WEIGHTS: "For PyTorch: to train on, or to load with transformers; for data flow with this program.",
    FLOAT32: "For other platforms: ONNX Runtime reads it from C++, C#, Java, JavaScript, Rust and Python.",
    INT8: "The same with weights in 8 bits: the smallest to ship. Rounding may change its accuracy.",
    "modeling_pair.py": "The head for pairs, which transformers runs if it is told to (trust_remote_code=True).",
    "README.md": "The model card: measurements, usage, origin and limits.",
    "index.html": "The model in a browser: a page that needs no server and no network.",
    "predict.py": "Predictions from the command line, with onnxruntime and tokenizers; data flow needs this program.",
}
"""Purpose of each file of a bundle."""
TITLES: Final = {WEIGHTS: "PyTorch, float32", FLOAT32: "ONNX, float32", INT8: "ONNX, int8"}
"""Title of each model file."""


def form_figures(summary: ExportSummary) -> dict[str, list[tuple[str, str]]]:
    """Titles and values of the measurements, by model file."""
    return {WEIGHTS: [("Size", f"{summary.weights_mb:.2f} MB")]} | {
        name: _figures(form) for name, form in summary.forms.items()
    }


def _figures(form: ExportedForm) -> list[tuple[str, str]]:
    return [
        ("Size", f"{form.size_mb:.2f} MB"),
        ("Accuracy", "–" if form.accuracy is None else f"{form.accuracy:.2%}"),
        ("Largest difference", f"{form.max_abs_difference:.2g}"),
        ("Median latency", f"{form.latency.median:.1f} ms"),
    ]


def extras(summary: ExportSummary) -> list[str]:
    """Files of the bundle beside the model."""
    return [name for name in ("README.md", "index.html", "predict.py") if name in (summary.contents or {})]


def command(summary: ExportSummary) -> str:
    """Command that queries the exported model."""
    return f"python predict.py {'FILE FILE' if summary.task is Task.CLONE else 'FILE'}"


def export_headline(summary: ExportSummary) -> str:
    """Savings and loss of accuracy from 8-bit weights, in one sentence."""
    float32, int8 = summary.forms[FLOAT32], summary.forms[INT8]
    share = f"In 8 bits the student takes {int8.size_mb:.2f} MB instead of {float32.size_mb:.2f} MB"
    loss = summary.loss_points
    if loss is None:
        return f"{share}; what that costs was not measured"
    if loss == 0:
        return f"{share} and is as accurate on {summary.examples:,} examples"
    differently = round(abs(loss) / 100 * summary.examples)
    answers = f"{differently:,} more {'wrong' if loss > 0 else 'right'} of {summary.examples:,}"
    return f"{share}; its accuracy differs by {abs(loss):.2f} points ({answers})"


def method_sentences(summary: ExportSummary) -> str:
    """Sentences on the examples that the files were tested on, and how they were timed."""
    float32, machine = summary.forms[FLOAT32], summary.machine
    part = "all" if summary.split == "all" else f"the {summary.split} split"
    accuracy = f"Accuracy on {part} of {summary.dataset}, {summary.examples:,} examples. " if summary.labelled else ""
    return (
        f"{accuracy}The largest difference is that of a logit to PyTorch's, on {float32.inputs} examples of {part} of "
        f"{summary.dataset}. Latency of one query, unpadded, tokenisation apart, of each of {float32.inputs} the "
        f"fastest of {float32.latency.rounds} runs: {machine.in_words}. For the teacher's beside it, see the page "
        "Compare."
    )
