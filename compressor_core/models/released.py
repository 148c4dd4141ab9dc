"""Import of the students published by Compressor's authors: bare state dicts with separate tokenizers.

What their code (github.com/soarsmu/Compressor) does, and how it is handled here:

- A state dict has no configuration. Width, layers, vocabulary and intermediate size come from its shapes; the number
  of attention heads cannot be derived and is taken from the published architecture of the same shape.
- A vulnerability student is a `RobertaForSequenceClassification` whose class 0 is "vulnerable" (predicted if its
  probability is above one half). Here class 1 is the positive one, so the two rows of the output layer are swapped.
- A clone student reads the `<s>` states of both functions, concatenated: dense, tanh, out. Unused entries of its state
  dict (a buffer of positions; with GraphCodeBERT, a whole classifier) are dropped; CodeBERT's pooler is kept, since it
  counts in the published size.
- The teachers that their code fine-tunes for vulnerability have the same layout, but only the first output is trained,
  and read by a sigmoid. With a second output of 0, a softmax gives the same probability.
- The tokenizer expects lower-cased code with whitespace collapsed to single blanks, adds a leading blank, and leaves
  `<s>` and `</s>` to the caller. Here all of that is part of `tokenizer.json`. With data flow, the input is the tokens
  of the syntax tree, and the whitespace in strings is kept.
- CodeBERT's students read 400 tokens of each function; GraphCodeBERT's read code and data flow, see `graph`.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import torch
from tokenizers import Regex, Tokenizer, normalizers, processors
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import SPECIAL_TOKENS, with_special_tokens
from compressor_core.errors import ModelError
from compressor_core.files import checked_path
from compressor_core.language import Language
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier
from compressor_core.models.pair import PairClassifier, without_pooler
from compressor_core.models.reading import panicked
from compressor_core.models.student import build
from compressor_core.models.weights import require_itself, require_tensors_only, require_whole
from compressor_core.paper import ARCHITECTURES, DATASET, Encoder
from compressor_core.task import PairFeatures, Task

CODE_TOKENS = {Encoder.CODEBERT: 400, Encoder.GRAPHCODEBERT: 384}
"""Tokens of one function, including `<s>` and `</s>`; with data flow, 128 additional places for its nodes."""
LABELS = {Task.VULNERABILITY: ("safe", "vulnerable"), Task.CLONE: ("different", "clone")}
LANGUAGE = {Task.VULNERABILITY: Language.C, Task.CLONE: Language.JAVA}
"""Language of each task's benchmark, whose data flow the students of GraphCodeBERT read."""

_BASE = (50_265, 768, 12, 12, 3072)
"""Architecture of CodeBERT and GraphCodeBERT, and so of the teachers."""
_LARGEST_TOKENIZER = 20_000_000
"""In bytes; the published ones have up to three million, and loading one takes several times its size in memory."""
_WORDS = "embeddings.word_embeddings.weight"
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")
_OUTPUTS = ("classifier.out_proj.weight", "classifier.out_proj.bias")
_PAIR_HEAD = {"classifier.dense": "dense", "classifier.out_proj": "out"}
_PYTHON_WHITESPACE = r"[\s\x1c-\x1f]+"
r"""Whitespace as in `str.split`; `\s` in `tokenizers` lacks four separators."""


def import_released(
    checkpoint: Path | str,
    tokenizer: Path | str,
    encoder: Encoder,
    task: Task,
    out: Path | str,
    *,
    heads: int | None = None,
) -> Classifier:
    """Write the published student in `checkpoint` to the model folder `out`, see `read_released`.

    Raises:
        ModelError: as `read_released`.
        StorageError: writing failed.
    """
    student = read_released(checkpoint, tokenizer, encoder, task, heads=heads)
    student.save(out)
    return student


def read_released(
    checkpoint: Path | str, tokenizer: Path | str, encoder: Encoder, task: Task, *, heads: int | None = None
) -> Classifier:
    """Published student of `encoder` for `task`, in eval mode; `heads` is for unpublished shapes.

    Raises:
        ModelError: a file is missing or unsafe, the weights do not match `encoder` and `task`, or the tokenizer does
            not fit them; one sentence with the remedy.
        ArchitectureError: `heads` does not divide the width.
    """
    checkpoint, tokenizer = Path(checkpoint), Path(tokenizer)
    state = _read_state(checkpoint)
    prefix = _layout(state, checkpoint, encoder, task)
    architecture = _architecture(state, prefix, checkpoint, heads)
    model = build(architecture, task, PairFeatures.CONCAT, labels=LABELS[task])
    if isinstance(model, PairClassifier) and "encoder.pooler.dense.weight" not in state:
        without_pooler(model.encoder)
    weights = _renamed(state, prefix, task)
    if task is Task.VULNERABILITY:
        _complete_outputs(weights)
    _require_fit(weights, model.state_dict(), checkpoint)
    if task is Task.VULNERABILITY:
        for name in _OUTPUTS:
            weights[name] = weights[name].flip(0)
    model.load_state_dict(weights)
    card = ModelCard(
        task=task,
        labels=LABELS[task],
        max_length=CODE_TOKENS[encoder],
        architecture=architecture,
        pair_features=PairFeatures.CONCAT if task is Task.CLONE else None,
        data_flow=LANGUAGE[task] if encoder is Encoder.GRAPHCODEBERT else None,
        teacher=encoder.hub_name,
        dataset=DATASET[task],
        training={"released": checkpoint.name, "tokenizer": tokenizer.name},
    )
    return Classifier(model.eval(), _read_tokenizer(tokenizer, architecture.vocab_size, encoder), card)


def _read_state(path: Path) -> dict[str, Tensor]:
    if not checked_path(path).is_file():
        raise ModelError(f"There is no checkpoint {path}: check the path.")
    require_itself(path)
    try:
        require_tensors_only(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} is no plain state dict: reading it would run code of its own or it is damaged, so it was not "
            "loaded; get the published file again."
        ) from error
    except Exception as error:  # a damaged file may raise anything
        raise ModelError(f"{path} is damaged or no PyTorch checkpoint: get the published file again.") from error
    if not isinstance(state, Mapping) or not state:
        raise ModelError(f"{path} holds a {type(state).__name__}, no state dict: give the published file itself.")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ModelError(
                f"{path} is no plain state dict ({name!r} is a {type(value).__name__}, no tensor): "
                "give the published file, or save model.state_dict() alone."
            )
    require_whole(state, path)
    return dict(state)


def _layout(state: Mapping[str, Tensor], path: Path, encoder: Encoder, task: Task) -> str:
    """Prefix of the encoder's keys. Raises ModelError if the keys do not match `encoder` and `task`."""
    prefix = next((p for p in ("encoder.", "encoder.roberta.") if p + _WORDS in state), None)
    if prefix is None:
        raise ModelError(
            f"{path} is no published student: it has no 'encoder.{_WORDS}' nor 'encoder.roberta.{_WORDS}' among its "
            f"{len(state)} entries (the first is {next(iter(state))!r}); give one of the 3, 25 or 50 MB students."
        )
    found = Task.CLONE if "classifier.dense.weight" in state else Task.VULNERABILITY
    if found is not task:
        kind = "two functions" if found is Task.CLONE else "one function"
        raise ModelError(
            f"{path} has a head that reads {kind}, so it is for {found}, not for {task}: choose the task {found}."
        )
    if task is Task.CLONE:
        owner = Encoder.CODEBERT if prefix == "encoder." else Encoder.GRAPHCODEBERT
        if owner is not encoder:
            raise ModelError(
                f"{path} has the layout of the clone students of {owner.full_name}, not of {encoder.full_name}: "
                f"choose the teacher {owner}."
            )
    elif prefix == "encoder.":
        raise ModelError(
            f"{path} has an encoder and no classifier: it is half a student; get the published file again."
        )
    return prefix


def _architecture(state: Mapping[str, Tensor], prefix: str, path: Path, heads: int | None) -> Architecture:
    """Architecture derived from the shapes, with the published number of heads, or `heads`."""
    layers = [
        int(match[1]) for name in state if (match := _LAYER.match(name.removeprefix(prefix))) and len(match[1]) < 5
    ]
    inner = state.get(f"{prefix}encoder.layer.0.intermediate.dense.weight")
    words = state[prefix + _WORDS]
    if inner is None or inner.dim() != 2 or words.dim() != 2:
        raise ModelError(f"{path} lacks the first layer of its encoder: get the published file again.")
    vocabulary, width, depth, between = words.shape[0], words.shape[1], max(layers) + 1, inner.shape[0]
    shape = (vocabulary, width, depth, between)
    published = {
        (a.vocab_size, a.hidden_size, a.num_hidden_layers, a.intermediate_size): a for a in ARCHITECTURES.values()
    }
    published[_BASE[:3] + _BASE[4:]] = Architecture(*_BASE)
    if heads is None and shape in published:
        return published[shape]
    if heads is None:
        raise ModelError(
            f"{path} has {vocabulary} tokens, width {width}, {depth} layers and {between} between, which is no "
            "published architecture, and weights do not tell the number of attention heads: say it with --heads."
        )
    return Architecture(vocabulary, width, depth, heads, between)


def _renamed(state: Mapping[str, Tensor], prefix: str, task: Task) -> dict[str, Tensor]:
    """Weights with this program's names, without those that the authors' code never reads."""
    weights = {}
    for name, value in state.items():
        if name.endswith(".position_ids"):
            continue
        if task is Task.VULNERABILITY:
            weights[name.removeprefix("encoder.")] = value
            continue
        head, _, end = name.rpartition(".")
        if head in _PAIR_HEAD:
            weights[f"{_PAIR_HEAD[head]}.{end}"] = value
        elif name.startswith(prefix):
            weights["encoder." + name.removeprefix(prefix)] = value
        elif not name.startswith("encoder.classifier."):
            weights[name] = value
    return weights


def _complete_outputs(weights: dict[str, Tensor]) -> None:
    """Add or reset the second output to 0 if only the first was trained: it is missing, or its bias is still 0."""
    bias = weights.get(_OUTPUTS[1])
    if bias is None or bias.dim() != 1 or not len(bias) or (len(bias) > 1 and (bias[1] != 0 or bias[0] == 0)):
        return
    for name in _OUTPUTS:
        if name in weights:
            weights[name] = torch.cat([weights[name][:1], torch.zeros_like(weights[name][:1])])


def _require_fit(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    def refuse(what: str, names: list[str]) -> NoReturn:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ModelError(f"{path} {what} {', '.join(names[:3])}{more}: get the published file again.")

    if missing := sorted(set(wanted) - set(weights)):
        refuse("lacks", missing)
    if unexpected := sorted(set(weights) - set(wanted)):
        refuse("has what no published student has:", unexpected)
    for name, value in weights.items():
        if value.shape != wanted[name].shape:
            refuse(f"has the shape {tuple(value.shape)} where {tuple(wanted[name].shape)} is wanted:", [name])
        if not value.is_floating_point() or not bool(torch.isfinite(value).all()):
            refuse("has values that are no finite numbers:", [name])


def _read_tokenizer(path: Path, vocab_size: int, encoder: Encoder) -> PreTrainedTokenizerFast:
    """Published tokenizer with the authors' preprocessing built in, so that it reads raw code."""
    if not checked_path(path).is_file():
        raise ModelError(f"There is no tokenizer {path}: check the path.")
    require_itself(path)
    with _understood(path):
        if path.stat().st_size > _LARGEST_TOKENIZER:
            raise ValueError(f"{path.stat().st_size / 1e6:.0f} MB is too much for one")
        text = path.read_text("utf-8")
        values = json.loads(text)
        tokenizer = Tokenizer.from_str(text)
    if not _is_byte_level(values):
        raise ModelError(f"{path} is no byte-level BPE tokenizer, as all published ones are: give BPE_*.json.")
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    if size != vocab_size:
        raise ModelError(
            f"{path} knows {size} tokens and the weights are for {vocab_size}: "
            f"give the tokenizer of that student, BPE_{vocab_size}.json of the same task."
        )
    for number, token in enumerate(SPECIAL_TOKENS):
        if tokenizer.token_to_id(token) != number:
            raise ModelError(
                f"{path} has {token!r} at {tokenizer.token_to_id(token)}, not at {number}: "
                "it is not the tokenizer of a published student."
            )
    if encoder is Encoder.CODEBERT:
        own = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Replace(Regex(_PYTHON_WHITESPACE), " "), normalizers.Strip(), *own]
        )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    with _understood(path):  # serializes a copy, and not everything that can be read survives that
        return with_special_tokens(tokenizer)


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Turn any error of the tokenizers library into a ModelError."""
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check the file and its permissions.") from error
    except BaseException as error:  # the library raises bare Exception for invalid files, or panics
        if not isinstance(error, Exception) and not panicked(error):
            raise
        raise ModelError(
            f"{path} is no tokenizer that can be read ({str(error)[:120]}): give the published BPE_*.json."
        ) from error


def _is_byte_level(values: Any) -> bool:
    parts = {name: (values.get(name) or {}).get("type") for name in ("model", "pre_tokenizer")}
    return parts == {"model": "BPE", "pre_tokenizer": "ByteLevel"}
