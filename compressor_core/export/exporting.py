"""A model on its way out: written as ONNX, in 8 bits or as a bundle, and tried before it is handed over."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import onnxruntime

from compressor_core.errors import ModelError, SettingsError, StorageError
from compressor_core.export.bundle import INT8, ONNX, PAGE, complete, put, require_free, write_zip
from compressor_core.export.int8 import export_int8
from compressor_core.export.model_card import model_card
from compressor_core.export.onnx import export_onnx
from compressor_core.export.verification import loss_points, material, require_parity, verify, warning
from compressor_core.export.web import web_page
from compressor_core.files import storage_error
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.threads import check_threads

Record = dict[str, Any]


class Format(StrEnum):
    """What can be written."""

    ONNX = "onnx"
    """One float32 file."""
    INT8 = "onnx-int8"
    """One file with weights in 8 bits."""
    BUNDLE = "bundle"
    """A folder, and a zip of it, with everything that the student needs elsewhere."""


@dataclass(frozen=True)
class ExportSettings:
    """What is exported, and on what it is tried: see `material` for dataset, data and split.

    `examples` is how many of them at most measure accuracy, and never fewer than logits are compared on. `replace`
    allows what an export has written before.
    """

    model: str
    format: str = Format.BUNDLE.value
    dataset: str | None = None
    data: str | None = None
    split: str | None = None
    examples: int = 5_000
    threads: int = 1
    seed: int = 0
    replace: bool = False

    def __post_init__(self) -> None:
        if self.format not in set(Format):
            raise SettingsError(f"the format cannot be {self.format!r}: choose from {', '.join(Format)}")
        if self.examples < 1:
            raise SettingsError(f"examples must be 1 or more, not {self.examples}")
        check_threads(self.threads)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def targets(out: Path, form: Format) -> tuple[Path, ...]:
    """What an export to `out` writes: the folder of a bundle and its zip; of the others one file.

    A file without the ending .onnx, or that is a folder, is one named as in a bundle in that folder.
    """
    if form is Format.BUNDLE:
        folder = out.with_suffix("") if out.suffix == ".zip" else out
        return folder, folder.with_name(f"{folder.name}.zip")
    if out.suffix == ".onnx" and not out.is_dir():
        return (out,)
    return (out / (INT8 if form is Format.INT8 else ONNX),)


def export(config: ExportSettings, out: Path, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Write the model to `out`, see `targets`; the last record is the result, and nothing half-written is left.

    A record of the type "notice" says what the user has to know. The result has model, task, format, files, size_mb
    (of a bundle that of its folder), max_abs_difference (of a logit, to PyTorch, of what was asked for; of a bundle
    the float32 file's), forms (by file name, see `verify`), loss_points, flagged and warning (of int8, None without
    it), dataset, split, labelled, examples, parameters, weights_mb, machine and seconds; of a bundle also zip_mb,
    contents (MB by file name), and page (why there is no page for the browser, None if there is).

    Raises:
        DataError: a place is taken, or the dataset cannot be read.
        ModelError: the model cannot be read, reads data flow, is of another task, or its float32 file does not
            answer as PyTorch does.
        StorageError: the disk refuses.
    """
    started = time.monotonic()
    form = Format(config.format)
    places = targets(Path(os.path.abspath(out)), form)
    require_free(places, replace=config.replace)
    yield {"type": "progress", "message": "Loading the model", "fraction": 0.0}
    classifier = load(Path(config.model))
    _require_tokens_alone(classifier, config.model)
    classifier.model.float()
    given = material(classifier.card, config.dataset, config.data, config.split, seed=config.seed)
    try:
        places[0].parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{places[0].name}.", dir=places[0].parent))
    except OSError as error:
        raise storage_error(error, places[0]) from error
    try:
        folder = draft / "bundle"
        folder.mkdir()
        if form is Format.BUNDLE:
            classifier.save(folder)  # before anything is encoded: a tokenizer remembers where it cut
        yield {"type": "progress", "message": "Writing the ONNX files", "fraction": 0.0}
        files = {ONNX: folder / ONNX}
        export_onnx(classifier.model, files[ONNX])
        if form is not Format.ONNX:
            files[INT8] = folder / INT8
            export_int8(files[ONNX], files[INT8])
        whole = form is not Format.ONNX
        forms = yield from verify(
            classifier,
            files,
            given,
            whole=whole,
            most=config.examples,
            threads=config.threads,
            seed=config.seed,
            cancelled=cancelled,
        )
        if forms is None:
            return
        require_parity(ONNX, forms[ONNX])
        loss = loss_points(forms[ONNX], forms[INT8]) if whole else None
        said = warning(given, loss) if whole else None
        result: Record = {
            "model": config.model,
            "task": classifier.card.task.value,
            "format": form.value,
            "files": [str(place) for place in places],
            "max_abs_difference": forms[INT8 if form is Format.INT8 else ONNX]["max_abs_difference"],
            "forms": forms,
            "loss_points": loss,
            "flagged": said is not None,
            "warning": said,
            "dataset": given.dataset,
            "split": given.split,
            "labelled": given.labelled,
            "examples": forms[ONNX]["examples"],
            "weights_mb": size_on_disk(Path(config.model)) / 1e6,
            "parameters": classifier.parameters,
            "machine": {**machine(config.threads), "runtime": f"ONNX Runtime {onnxruntime.__version__}"},
        }
        if form is Format.BUNDLE:
            yield {"type": "progress", "message": "Writing the model card, the page and the checksums", "fraction": 1.0}
            result["page"] = _write_page(classifier, folder)
            complete(folder, model_card(classifier.card, result))
            write_zip(folder, draft / "zip", places[0].name)
            put([(folder, places[0]), (draft / "zip", places[1])])
            result["contents"] = {file.name: file.stat().st_size / 1e6 for file in sorted(places[0].iterdir())}
            result["size_mb"] = sum(result["contents"].values())
            result["zip_mb"] = places[1].stat().st_size / 1e6
        else:
            put([(files[INT8 if form is Format.INT8 else ONNX], places[0])])
            result["size_mb"] = places[0].stat().st_size / 1e6
    except StorageError as error:  # of a draft, which is nobody's business
        raise StorageError(str(error).replace(str(folder), str(places[0]))) from error
    except OSError as error:
        raise storage_error(error, places[0]) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for sentence in (said, result.get("page")):
        if sentence is not None:
            yield {"type": "notice", "message": sentence}
    yield {"type": "result", **result, "seconds": time.monotonic() - started}


def _require_tokens_alone(classifier: Classifier, folder: str) -> None:
    if classifier.card.data_flow is not None:
        raise ModelError(
            f"{folder} reads data flow beside its tokens, which an ONNX file cannot compute from code: hand on the "
            "model folder itself, or distill a student from a teacher that reads tokens alone"
        )


def _write_page(classifier: Classifier, folder: Path) -> str | None:
    """Add the page for the browser; where none can be made, why. Raises StorageError if the disk refuses."""
    try:
        web_page(classifier, folder / ONNX, folder / PAGE)
    except ModelError as error:
        return str(error)
    return None
