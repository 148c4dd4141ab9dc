"""One HTML page that runs an exported model in a browser, from a file, without a server or network.

The page contains everything: the ONNX model, the tokenizer table, and onnxruntime-web with its WebAssembly. Its
Content-Security-Policy allows only scripts with the listed hashes, and forbids every connection. The sources of the
page are in the folder `page`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from string import Template
from typing import Any, Final

from compressor_core.errors import ModelError
from compressor_core.export.onnx import open_onnx
from compressor_core.export.page_tokenizer import tokenizer_table
from compressor_core.export.web_runtime import VERSION, web_runtime
from compressor_core.files import storage_error, write_bytes
from compressor_core.models.classifier import Classifier
from compressor_core.task import Task

_PARTS: Final = Path(__file__).with_name("page")
_EXPORTS: Final = re.compile(r"export\{([^}]*)\};")
_NOWHERE: Final = '"https://inlined.invalid/"'
"""Replaces the script's own URL, since some browsers cannot resolve URLs against that of a local file."""


def web_page(classifier: Classifier, onnx_file: Path, out: Path) -> None:
    """Write `out`, one page of HTML that runs `onnx_file`, a model exported from `classifier`, float32 or int8.

    Raises:
        ModelError: no page can be made of this model (its tokenizer has a part that the page does not support, it
            reads data flow, or the file is not one of its exports), or onnxruntime-web is available neither from the
            cache nor from the npm registry; the message says which. The model's other files do not need the page.
        StorageError: `out` or the cache cannot be written.
    """
    card = classifier.card
    if card.data_flow is not None:
        raise ModelError(
            "No page for the browser can be made: the model reads data flow, which the page cannot extract; "
            "export a student that reads tokens alone."
        )
    table = tokenizer_table(classifier.tokenizer, card.max_length)
    settings = _settings(classifier, onnx_file)
    runtime = web_runtime()
    try:
        model = onnx_file.read_bytes()
    except OSError as error:
        raise storage_error(error, onnx_file, action="read") from error
    script = _as_global(runtime.script.decode("utf-8"))
    style, tokenizer_code, app = ((_PARTS / name).read_text("utf-8") for name in ("page.css", "tokenizer.js", "app.js"))
    page = Template((_PARTS / "page.html").read_text("utf-8")).substitute(
        policy="; ".join(
            (
                "default-src 'none'",
                f"script-src {' '.join(map(_hash, (script, tokenizer_code, app)))} 'wasm-unsafe-eval'",
                f"style-src {_hash(style)}",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
        style=style,
        settings=_json(settings),
        tokenizer=_json(table),
        model=_packed(model),
        wasm=_packed(runtime.wasm),
        runtime=script,
        tokenizer_code=tokenizer_code,
        app=app,
        version=VERSION,
        licence=(_PARTS / "onnxruntime-licence.txt").read_text("utf-8"),
    )
    write_bytes(out, page.encode("utf-8"))


def _settings(classifier: Classifier, onnx_file: Path) -> dict[str, Any]:
    """Settings for `page/app.js` from the card; every text is shown as is."""
    card = classifier.card
    pair = card.task is Task.CLONE
    inputs = [[f"{name}_{side}" for name in ("input_ids", "attention_mask")] for side in "12"]
    if not pair:
        inputs = [["input_ids", "attention_mask"]]
    found = [given.name for given in open_onnx(onnx_file).get_inputs()]
    if sorted(found) != sorted(name for names in inputs for name in names):
        raise ModelError(
            f"No page for the browser can be made: {onnx_file} reads {', '.join(found)}, which is not what a model for "
            f"{card.task} reads; export the model again."
        )
    facts = {
        "Model": f"{classifier.parameters:,} parameters, {onnx_file.stat().st_size / 1e6:.2f} MB of ONNX",
        "Trained on": card.dataset,
        "Teacher": None if card.teacher is None else Path(card.teacher).name,
        "Reads": f"at most {card.max_length} tokens of a function",
    }
    return {
        "title": "Do these two functions do the same?" if pair else "Is this function vulnerable?",
        "about": (
            f"A small model of code answers, in this page and on this computer: {' or '.join(card.labels)}. "
            f"Paste {'two functions' if pair else 'one function'}."
        ),
        "boxes": ["First function", "Second function"] if pair else ["Function"],
        "labels": list(card.labels),
        "inputs": inputs,
        "maxLength": card.max_length,
        "facts": [[term, value] for term, value in facts.items() if value is not None],
    }


def _as_global(script: str) -> str:
    """Convert the library's module to an inline script whose exports are in the global `ort`."""
    exports = _EXPORTS.findall(script)
    assert len(exports) == 1, "the file that was checked has one list of exports"
    names = dict(reversed(pair.split(" as ")) for pair in exports[0].split(","))
    table = ",".join(
        f"{name}:{local}" for name, local in names.items() if name in ("env", "InferenceSession", "Tensor")
    )
    script = _EXPORTS.sub(lambda _: f"globalThis.ort={{{table}}};", script)
    return re.sub(r"^//# sourceMappingURL=.*$", "", script.replace("import.meta.url", _NOWHERE), flags=re.MULTILINE)


def _hash(inline: str) -> str:
    """Content-Security-Policy source that allows the script or style with exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode('utf-8')).digest()).decode()}'"


def _json(values: Any) -> str:
    """JSON that is safe inside a script element, whatever its strings contain."""
    return json.dumps(values, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii")
