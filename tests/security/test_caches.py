"""The caches, which all runs of a server share: nothing is kept under a name that somebody can claim.

What must hold: a name is a digest that the program takes of the content itself, of all that decides the answer; what a
visitor brings, recorded answers too, is nobody else's soft labels; a file that was laid there is read as numbers alone,
and only if it fits.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from compressor_core.cache import CACHE_VARIABLE
from compressor_core.distill.soft_labels import SoftLabels, fingerprint, model_fingerprint
from compressor_core.distill.tokens import Tokens
from compressor_core.models.classifier import load
from compressor_core.progress import finish


def test_another_model_has_other_labels_whatever_differs(tiny_teacher: Path, tmp_path: Path) -> None:
    """The same weights with another activation, or other classes, give other answers."""
    copy = Path(shutil.copytree(tiny_teacher, tmp_path / "copy"))
    own = model_fingerprint(tiny_teacher)
    assert model_fingerprint(copy) == own
    for path in sorted(copy.iterdir()):
        before = path.read_bytes()
        path.write_bytes(before + b" ")
        assert (model_fingerprint(copy) == own) == (path.name == "README.md"), path.name
        path.write_bytes(before)
    settings = json.loads((copy / "config.json").read_text("utf-8"))
    (copy / "config.json").write_text(json.dumps({**settings, "hidden_act": "relu"}), "utf-8")
    examples = [("int f(int a) { return a; }",), ("def g(b): return eval(b)",)]
    first, other = (
        finish(SoftLabels(load(folder), folder, tmp_path / "cache").of(examples)) for folder in (tiny_teacher, copy)
    )
    assert not torch.equal(first, other)


def test_no_content_passes_for_another() -> None:
    some = [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("ab", "c", ""), ("", "ab", "c"), ("AB", "c")]
    assert len({fingerprint([codes]) for codes in some}) == len(some)
    assert fingerprint([("a",), ("b",)]) != fingerprint([("b",), ("a",)])


@pytest.mark.parametrize("spoilt", ["other count", "no numbers", "a pickle", "other names", "a link"])
def test_what_was_laid_there_is_read_only_if_it_fits(
    spoilt: str, tiny_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    teacher, examples = load(tiny_teacher), [("int f() { return 1; }",), ("x = 2",), ("y = 3",)]
    labels, tokens = SoftLabels(teacher, tiny_teacher), Tokens(teacher)
    truth = finish(labels.of(examples))
    tokens.keep(fingerprint(examples), teacher.encode(examples))
    for path in (tmp_path / "cache").rglob("*.safetensors"):
        if spoilt == "other count":
            save_file({"logits": torch.zeros(2, 2), "rows": torch.zeros(2, 1), "ids": torch.zeros(4)}, path)
        elif spoilt == "no numbers":
            save_file({"logits": torch.full((3, 2), torch.nan), "ids": torch.full((9,), 10**6)}, path)
        elif spoilt == "a pickle":
            torch.save({"logits": torch.zeros(3, 2)}, path)
        elif spoilt == "other names":
            save_file({"others": torch.zeros(3, 2)}, path)
        else:
            path.unlink()
            path.symlink_to(tmp_path / "nowhere")
    assert labels.known(fingerprint(examples), 3) is None and tokens.kept(fingerprint(examples), 3) is None
    assert torch.equal(finish(labels.of(examples)), truth)
    assert not (tmp_path / "nowhere").exists() and labels.has(examples)
