"""Export of a model as ONNX, in 8 bits or as a bundle, with verification of the files."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime

from compressor_core.errors import ModelError, StorageError
from compressor_core.export.bundle import INT8, ONNX, PAGE, complete, put, require_free, write_zip
from compressor_core.export.int8 import export_int8
from compressor_core.export.model_card import model_card
from compressor_core.export.onnx import export_onnx
from compressor_core.export.settings import ExportSettings, Format, targets
from compressor_core.export.verification import loss_points, material, require_parity, verify, warning
from compressor_core.export.web import web_page
from compressor_core.files import storage_error
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.records import ExportSummary, Notice, Progress, Work


def export(
    settings: ExportSettings, out: str | Path, *, cancelled: Callable[[], bool] = lambda: False
) -> Work[ExportSummary | None]:
    """Write the model to `out`, see `targets`, and verify it; None if cancelled. Leaves no partial files.

    Notices contain warnings for the user.

    Raises:
        DataError: a target exists, or the dataset cannot be read.
        ModelError: the model cannot be read or written as ONNX, is for another task, or its float32 file does not
            answer as PyTorch does.
        StorageError: writing failed.
    """
    started = time.monotonic()
    form, bundled = settings.format, settings.format is Format.BUNDLE
    places = targets(Path(os.path.abspath(out)), form)
    require_free(places, overwrite=settings.overwrite)
    yield Progress(message="Loading the model", fraction=0.0)
    classifier = load(Path(settings.model))
    classifier.model.float()
    given = material(classifier.card, settings.dataset, settings.data, settings.split, seed=settings.seed)
    try:
        places[0].parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{places[0].name}.", dir=places[0].parent))
    except OSError as error:
        raise storage_error(error, places[0]) from error
    try:
        folder = draft / "bundle"
        folder.mkdir()
        if bundled:
            classifier.save(folder)  # before encoding anything: a tokenizer stores its last truncation
        yield Progress(message="Writing the ONNX files", fraction=0.0)
        files = {ONNX: folder / ONNX}
        export_onnx(classifier.model, files[ONNX], data_flow=classifier.card.data_flow is not None)
        whole = form is not Format.ONNX
        if whole:
            files[INT8] = folder / INT8
            export_int8(files[ONNX], files[INT8])
        forms = yield from verify(classifier, files, given, settings, whole=whole, cancelled=cancelled)
        if forms is None:
            return None
        require_parity(ONNX, forms[ONNX])
        loss = loss_points(forms[ONNX], forms[INT8]) if whole else None
        said = warning(given, loss) if whole else None
        asked = INT8 if form is Format.INT8 else ONNX
        summary = ExportSummary(
            model=settings.model,
            task=classifier.card.task,
            format=form.value,
            files=tuple(map(str, places)),
            size_mb=files[asked].stat().st_size / 1e6,
            max_abs_difference=forms[asked].max_abs_difference,
            forms=forms,
            loss_points=loss,
            flagged=said is not None,
            warning=said,
            dataset=given.dataset,
            split=given.split,
            labelled=given.labelled,
            examples=forms[ONNX].examples,
            weights_mb=size_on_disk(Path(settings.model)) / 1e6,
            parameters=classifier.parameters,
            machine=machine(settings.threads).model_copy(update={"runtime": f"ONNX Runtime {onnxruntime.__version__}"}),
            seconds=0.0,
        )
        if bundled:
            yield Progress(message="Writing the model card, the page and the checksums", fraction=1.0)
            summary = summary.model_copy(update={"page": _write_page(classifier, folder)})
            complete(folder, model_card(classifier.card, summary))
            write_zip(folder, draft / "zip", places[0].name)
            put([(folder, places[0]), (draft / "zip", places[1])])
            contents = {file.name: file.stat().st_size / 1e6 for file in sorted(places[0].iterdir())}
            sizes = {"size_mb": sum(contents.values()), "zip_mb": places[1].stat().st_size / 1e6}
            summary = summary.model_copy(update={"contents": contents, **sizes})
        else:
            put([(files[asked], places[0])])
    except StorageError as error:  # name the target, not the temporary folder
        raise StorageError(str(error).replace(str(folder), str(places[0]))) from error
    except OSError as error:
        raise storage_error(error, places[0]) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for sentence in (summary.warning, summary.page):
        if sentence is not None:
            yield Notice(message=sentence)
    return summary.model_copy(update={"seconds": time.monotonic() - started})


def _write_page(classifier: Classifier, folder: Path) -> str | None:
    """Add the page for the browser; returns the reason if none can be made. Raises StorageError if writing fails."""
    try:
        web_page(classifier, folder / ONNX, folder / PAGE)
    except ModelError as error:
        return str(error)
    return None
