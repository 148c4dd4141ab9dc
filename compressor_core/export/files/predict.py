"""What the model beside this file says of code: python predict.py [--int8] FILE [FILE]

Needs numpy, onnxruntime and tokenizers. Two files are for a model that compares two functions.
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent


def predict(codes: list[str], model: str = "model.onnx") -> dict[str, float]:
    """The probability of each label."""
    card = json.loads((HERE / "compressor.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_str((HERE / "tokenizer.json").read_text("utf-8"))
    tokenizer.enable_truncation(card["max_length"])
    tokenizer.no_padding()
    session = onnxruntime.InferenceSession((HERE / model).read_bytes(), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]  # ids and mask of each function
    if len(names) != 2 * len(codes):
        sys.exit(f"error: this model takes {len(names) // 2} file(s), not {len(codes)}")
    ids = [np.array([tokenizer.encode(code).ids], np.int64) for code in codes]
    arrays = [array for one in ids for array in (one, np.ones_like(one))]
    logits = session.run(["logits"], dict(zip(names, arrays, strict=True)))[0][0]
    odds = np.exp(logits - logits.max())
    return dict(zip(card["labels"], (odds / odds.sum()).tolist(), strict=True))


if __name__ == "__main__":
    files = [name for name in sys.argv[1:] if name != "--int8"]
    form = "model.int8.onnx" if "--int8" in sys.argv else "model.onnx"
    if isinstance(sys.stdout, io.TextIOWrapper):  # labels are in any script, locales are not
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    found = predict([Path(name).read_text("utf-8-sig") for name in files], form)
    print(max(found, key=found.__getitem__), *(f"{label}={share:.4f}" for label, share in found.items()))
