"""What an export has written, in words and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PURPOSES: Final[Mapping[str, str]] = {
    "model.safetensors": "For PyTorch: to train on, or to load with transformers; a model of pairs with this program.",
    "model.onnx": "For any other place: ONNX Runtime reads it from C++, C#, Java, JavaScript, Rust and Python.",
    "model.int8.onnx": "The same with weights in 8 bits: the smallest to ship. It rounds, so its accuracy is its own.",
    "README.md": "The model card: what was measured, how to use it, where it comes from, where it ends.",
    "index.html": "The model in a browser: a page that needs no server and no network.",
    "predict.py": "A prediction from the command line, with numpy, onnxruntime and tokenizers alone.",
}
"""What each file of a bundle is for."""
_TITLES: Final = {
    "model.safetensors": "PyTorch, float32",
    "model.onnx": "ONNX, float32",
    "model.int8.onnx": "ONNX, int8",
}


@dataclass(frozen=True)
class FormInfo:
    """One file that answers; what is None was not measured. Sizes in MB, latency in ms."""

    file: str
    title: str
    size_mb: float
    accuracy: float | None = None
    correct: int | None = None
    examples: int | None = None
    difference: float | None = None
    median: float | None = None

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """Titles and values to show."""
        shown = [("Size", f"{self.size_mb:.2f} MB")]
        if self.difference is not None:
            shown.append(("Accuracy", "–" if self.accuracy is None else f"{self.accuracy:.2%}"))
            shown.append(("Largest difference", f"{self.difference:.2g}"))
        if self.median is not None:
            shown.append(("Median latency", f"{self.median:.1f} ms"))
        return tuple(shown)


@dataclass(frozen=True)
class ExportInfo:
    """A finished export; `warning` is what has to be said of the int8 file, if anything."""

    forms: tuple[FormInfo, ...]
    headline: str
    warning: str | None
    tried: str
    measured: str
    folder: str
    archive: str
    archive_mb: float
    extras: tuple[str, ...]
    command: str


def export_info(result: Mapping[str, Any]) -> ExportInfo:
    """The result of an export of a bundle."""
    forms = (
        FormInfo("model.safetensors", _TITLES["model.safetensors"], result["weights_mb"]),
        *(
            FormInfo(
                name,
                _TITLES[name],
                form["size_mb"],
                form["accuracy"],
                form["correct"],
                form["examples"],
                form["max_abs_difference"],
                form["latency"]["median"],
            )
            for name, form in result["forms"].items()
        ),
    )
    folder, archive = result["files"]
    machine = result["machine"]
    part = "all" if result["split"] == "all" else f"the {result['split']} split"
    inputs = result["forms"]["model.onnx"]["inputs"]
    tried = f"The largest difference is that of a logit to PyTorch's, on {inputs} examples of {part} of "
    tried += f"{result['dataset']}."
    if result["labelled"]:
        tried = f"Accuracy on {part} of {result['dataset']}, {result['examples']:,} examples. {tried}"
    return ExportInfo(
        forms=forms,
        headline=_headline(result),
        warning=result["warning"],
        tried=tried,
        measured=(
            f"Latency of one query, unpadded, tokenisation apart, of each of {inputs} the fastest of "
            f"{result['forms']['model.onnx']['latency']['rounds']} runs: {machine['runtime']}, {machine['threads']} "
            f"thread{'' if machine['threads'] == 1 else 's'}, {machine['processor']}. For the teacher's beside it, see "
            "the page Compare."
        ),
        folder=folder,
        archive=archive,
        archive_mb=result["zip_mb"],
        extras=tuple(name for name in ("README.md", "index.html", "predict.py") if name in result["contents"]),
        command=f"python predict.py {'FILE FILE' if result['task'] == 'clone' else 'FILE'}",
    )


def _headline(result: Mapping[str, Any]) -> str:
    float32, int8 = result["forms"]["model.onnx"], result["forms"]["model.int8.onnx"]
    share = f"In 8 bits the student takes {int8['size_mb']:.2f} MB instead of {float32['size_mb']:.2f} MB"
    loss = result["loss_points"]
    if loss is None:
        return f"{share}; what that costs was not measured"
    if loss == 0:
        return f"{share} and is as accurate on {result['examples']:,} examples"
    differently = round(abs(loss) / 100 * result["examples"])
    answers = f"{differently:,} more {'wrong' if loss > 0 else 'right'} of {result['examples']:,}"
    return f"{share}; its accuracy differs by {abs(loss):.2f} points ({answers})"
