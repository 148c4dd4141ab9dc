"""What the model beside this file says of code: python predict.py [--int8] FILE [FILE]

Needs numpy, onnxruntime and tokenizers, and for a model that reads data flow also Compressor Studio, which extracts it.
Give two files for a model that compares two functions.
"""

import hashlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def predict(codes: list[str], model: str = "model.onnx") -> dict[str, float]:
    """Probability of each label. Raises ValueError, with a message, for incomplete or changed files; ImportError."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    part = {name: whole(name) for name in ("compressor.json", "tokenizer.json", model)}
    card = json.loads(part["compressor.json"])
    session = onnxruntime.InferenceSession(part[model], providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    functions = sum(name.startswith("input_ids") for name in names)
    if functions != len(codes):
        raise ValueError(f"this model takes {functions} file(s), not {len(codes)}")
    if card["data_flow"]:
        arrays, tokens = data_flow(codes, card["data_flow"])
    else:
        tokenizer = Tokenizer.from_str(part["tokenizer.json"].decode("utf-8"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokens = [len(tokenizer.encode(code).ids) for code in codes]
        tokenizer.enable_truncation(card["max_length"])
        ids = [np.array([tokenizer.encode(code).ids], np.int64) for code in codes]
        arrays = [array for one in ids for array in (one, np.ones_like(one))]
    inputs = dict(zip(names, arrays, strict=True))
    reads = [array.shape[1] for name, array in inputs.items() if name.startswith("input_ids")]
    for number, (count, seen) in enumerate(zip(tokens, reads, strict=True), 1):
        if seen < count:
            print(f"note: file {number} has {count:,} tokens; the model reads the first {seen:,}.", file=sys.stderr)
    logits = session.run(["logits"], inputs)[0][0]
    if not np.isfinite(logits).all():
        raise ValueError(f"the model's answer is no finite number ({logits.tolist()}): take another model")
    odds = np.exp(logits - logits.max())
    return dict(zip(card["labels"], (odds / odds.sum()).tolist(), strict=True))


def data_flow(codes: list[str], language: str) -> tuple[list[Any], list[int]]:
    """Inputs of a model that reads data flow, and the tokens of each function. Raises ValueError, with a message, if
    Compressor Studio is missing."""
    try:
        from compressor_core.export.data_flow import reader, token_counts
    except ImportError as error:
        raise ValueError(
            f"this model reads the data flow of {language}, which Compressor Studio extracts ({error}): "
            "install it in this Python, or take a student that reads tokens alone"
        ) from error
    return reader(HERE)(codes), token_counts(HERE, codes)


def whole(name: str) -> bytes:
    """Content of a file of this folder, checked against SHA256SUMS."""
    sums = (HERE / "SHA256SUMS").read_bytes()
    if not sums.isascii():
        raise ValueError("SHA256SUMS is not text: copy the whole folder again")
    content = (HERE / name).read_bytes()
    if f"{hashlib.sha256(content).hexdigest()}  {name}" not in sums.decode().splitlines():
        raise ValueError(f"{name} is not as it was written (see SHA256SUMS): copy the whole folder again")
    return content


def read(name: str) -> str:
    """Read the code in a file."""
    data = Path(name).read_bytes()
    if re.match(rb"\W*version https?://(git-lfs\.github\.com|hawser\.github\.com|git-media\.io)/", data):
        raise ValueError(f"{name} is a Git LFS pointer, not the file itself: run `git lfs pull` where it was cloned")
    if b"\0" in data:
        raise ValueError(f"{name} is binary data or UTF-16, not UTF-8 text: give source code, saved as UTF-8")
    try:
        code = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from error
    if not code.strip():
        raise ValueError(f"{name} is empty: give a function")
    return code


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__, end="")
        return 0
    files = [name for name in arguments if name != "--int8"]
    try:
        found = predict(list(map(read, files)), "model.int8.onnx" if "--int8" in arguments else "model.onnx")
    except OSError as error:
        print(f"error: {error.filename} cannot be read ({error.strerror}): check the path", file=sys.stderr)
        return 2
    except ImportError as error:
        reason = " ".join(str(error).split())
        print(f"error: {reason}: run pip install numpy onnxruntime tokenizers", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(max(found, key=found.__getitem__), *(f"{label}={share:.4f}" for label, share in found.items()))
    return 0


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):  # labels may be in any script
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
