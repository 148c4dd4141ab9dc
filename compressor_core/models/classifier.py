"""A ready-to-use model of code: weights, tokenizer and card, loaded from or saved to a folder."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PretrainedConfig

from compressor_core.bundled import model_folder
from compressor_core.data.dataset import fingerprint_of
from compressor_core.data.labels import crossed, plain, same
from compressor_core.errors import ModelError
from compressor_core.files import storage_error, write_json, write_text
from compressor_core.models import graph
from compressor_core.models.card import CARD, DATA_FLOW_NODES, ModelCard, read_card
from compressor_core.models.compute import Precision
from compressor_core.models.encoded import Examples, Flattened
from compressor_core.models.folder import WEIGHTS, foreign_root, names_without, require_files
from compressor_core.models.inference import finite, predict, predict_pooled
from compressor_core.models.inputs import FunctionInput
from compressor_core.models.pair import PairClassifier, encoder_of, is_pair, read_config, save_pair
from compressor_core.models.positions import most_tokens
from compressor_core.models.pretrained import read_model, read_tokenizer, set_padding
from compressor_core.models.reading import QUIET, readable
from compressor_core.models.readme import README, readme
from compressor_core.models.weights import json_object
from compressor_core.progress import finish
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Code = str | tuple[str, ...]
"""One function, or a pair of functions for the clone task."""
TRIED = ("int f(int a) { return a; }", "x")
"""Functions that every model is tried on when loaded: one with data flow and one without."""
_MADE_UP = ("LABEL_0", "LABEL_1")
_CHUNK = 512
"""Functions encoded between two progress reports."""


@dataclass
class Classifier:
    """A teacher or student, which maps functions to logits."""

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    card: ModelCard

    def encode(self, examples: Sequence[Code]) -> Examples:
        """Encode each function of each example, truncated to the card's `max_length`, without padding."""
        return finish(self.encoding(examples))

    def encoding(self, examples: Sequence[Code], *, counted: bool = True) -> Generator[int, None, Examples]:
        """`encode` as a generator: yields the number of distinct functions done, or 0 unless `counted`."""
        if isinstance(examples, str):
            raise ModelError("the examples are one text: give a list of them")
        places: dict[str, int] = {}
        rows = [[places.setdefault(code, len(places)) for code in functions_of(example)] for example in examples]
        codes = list(places)
        functions = Flattened()
        for start in range(0, len(codes), _CHUNK):
            if start:
                yield start if counted else 0
            functions.add(self._functions(codes[start : start + _CHUNK]))
        return Examples(functions.done(), np.array(rows, np.int32).reshape(len(rows), -1 if rows else 1))

    def _functions(self, codes: Sequence[str]) -> list[FunctionInput]:
        if self.card.data_flow is not None:
            return graph.encode(self.tokenizer, codes, self.card.data_flow, self.card.max_length)
        encoded = self.tokenizer(
            list(codes), truncation=True, max_length=self.card.max_length, return_attention_mask=False
        )
        return list(map(FunctionInput, encoded["input_ids"]))

    def tokens(self, code: str) -> int:
        """Number of tokens of a function, including `<s>` and `</s>`, without truncation."""
        text = code if self.card.data_flow is None else graph.text_of(code, self.card.data_flow)
        return len(self.tokenizer(text, truncation=False, return_attention_mask=False, verbose=False)["input_ids"])

    def logits(self, examples: Sequence[Code], batch_size: int = 64) -> Tensor:
        """Logits (examples, 2) on the CPU, in the given order, without gradients. Raises ModelError as `finite`."""
        return finish(self.predicting(examples, batch_size))

    def predicting(
        self, examples: Sequence[Code], batch_size: int = 64, precision: Precision = Precision.FLOAT32
    ) -> Generator[int, None, Tensor]:
        """`logits` as a generator: yields the number of examples done."""
        encoded = yield from self._inputs(examples)
        return finite((yield from predict(self.model, encoded, batch_size, self.pad_id, precision)))

    def predicting_pooled(
        self, examples: Sequence[Code], batch_size: int = 64, precision: Precision = Precision.FLOAT32
    ) -> Generator[int, None, tuple[Tensor, Tensor]]:
        """`predicting` with the pooled states (examples, 2, hidden) in float16, see `forward_pooled`."""
        encoded = yield from self._inputs(examples)
        logits, states = yield from predict_pooled(self.model, encoded, batch_size, self.pad_id, precision)
        return finite(logits), states

    def _inputs(self, examples: Sequence[Code]) -> Generator[int, None, Examples]:
        """Encode, without counting as progress. Raises ModelError if functions are given for pairs, or vice versa."""
        encoded = yield from self.encoding(examples, counted=False)
        pairs = self.card.task is Task.CLONE
        if len(encoded) and encoded.rows.shape[1] != 1 + pairs:
            wanted = "pairs: give each as two functions" if pairs else "single functions: give each as a text"
            raise ModelError(f"the model reads {wanted}")
        return encoded

    @property
    def pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    def save(self, folder: Path | str) -> None:
        """Write a Hugging Face folder with our card and a README.md; an existing folder is replaced at the end.

        Raises:
            StorageError: writing failed.
        """
        folder = Path(folder)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            # Moved away in one step: a removal takes many, and if killed would leave half a model.
            before = draft.with_name(f"{draft.name}.before")
            try:
                with QUIET:
                    if isinstance(self.model, PairClassifier):
                        save_pair(self.model, draft)
                    else:
                        self.model.save_pretrained(draft)  # type: ignore[operator]
                    self.tokenizer.save_pretrained(draft)
                    _name_plainly(draft / "tokenizer_config.json", self.card.max_length)
                card = self.card.replace(tokenizer_fingerprint=_vocabulary(self.tokenizer))
                write_json(draft / CARD, card.model_dump(mode="json"))
                write_text(draft / README, readme(card, folder.name))
                draft.chmod(0o755)
                if folder.exists():
                    os.replace(folder, before)
                os.replace(draft, folder)
                shutil.rmtree(before, ignore_errors=True)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            raise storage_error(error, folder) from error
        except SafetensorError as error:
            number = re.search(r"os error (\d+)", str(error))
            raise storage_error(OSError(int(number[1]) if number else None, str(error)), folder) from error


def _name_plainly(path: Path, max_length: int) -> None:
    """Write a tokenizer_config.json that every version of transformers reads, with the model's maximum length."""
    values = json_object(path)
    for name in ("backend", "is_local", "local_files_only", "auto_map", "extra_special_tokens"):
        values.pop(name, None)
    plain = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": max_length}
    write_json(path, {**values, **plain, "model_input_names": ["input_ids", "attention_mask"]})


def functions_of(code: Code) -> tuple[str, ...]:
    """Functions of one example."""
    return (code,) if isinstance(code, str) else tuple(code)


def load(folder: Path | str) -> Classifier:
    """Load a classifier in eval mode, from its folder or by its bundled name (`bundled.model_folder`).

    The folder may be one of this program or of any Hugging Face sequence classifier with two classes.

    Raises:
        ModelError: the folder is missing or incomplete, a file is damaged, or weights and tokenizer do not match.
    """
    folder = model_folder(folder)
    require_files(folder)
    card = read_card(folder)
    with readable(folder):
        tokenizer = read_tokenizer(folder)
        if card is not None and card.task is Task.CLONE:
            model: nn.Module = _load_pair(folder, card, tokenizer)
        else:
            of_file = _classifier_config(folder)
            set_padding(of_file, tokenizer, folder)
            model, report = read_model(AutoModelForSequenceClassification, folder, of_file)
            _require_all(folder, report, own=card is not None)
    config: Any = model.encoder.config if isinstance(model, PairClassifier) else model.config
    if config.num_labels != 2:
        raise ModelError(f"{folder} tells {config.num_labels} classes apart: this program works with two.")
    require_same_vocabulary(folder, tokenizer, config)
    longest = most_tokens(model)
    if card is not None:
        _require_kept(folder, card, config, tokenizer)
        if card.max_length + (DATA_FLOW_NODES if card.data_flow else 0) > longest:
            raise ModelError(
                f"{CARD} in {folder} says that {card.max_length} tokens are read, and the model has positions for "
                f"{longest}: one of the files was edited; restore it."
            )
    else:
        labels = (str(config.id2label[0]), str(config.id2label[1]))
        _require_one_order(folder, labels)
        card = ModelCard(task=Task.VULNERABILITY, labels=labels, max_length=min(longest, 400))
    return tried(Classifier(model.eval(), tokenizer, card), folder)


def require_same_vocabulary(folder: Path, tokenizer: PreTrainedTokenizerBase, config: Any) -> None:
    """Raise ModelError if a token has no embedding, or all tokens are special."""
    if not 4 < len(tokenizer) <= config.vocab_size:
        raise ModelError(
            f"{folder} has a tokenizer of {len(tokenizer)} tokens and weights for {config.vocab_size}: "
            "they belong to different models; restore the tokenizer that the model was trained with."
        )


def tried(classifier: Classifier, folder: Path) -> Classifier:
    """Try the classifier and return it: some errors in config.json show only then.

    Raises ModelError if it cannot answer, or has a weight that is not finite.
    """
    for name, value in classifier.model.state_dict().items():
        if value.numel() and value.is_floating_point() and not all(map(math.isfinite, map(float, value.aminmax()))):
            raise ModelError(
                f"The weights in {folder} have values in {name} that are no finite numbers: copy them again."
            )
    with readable(folder):
        for code in TRIED:
            try:
                classifier.logits([(code,) * (2 if classifier.card.task is Task.CLONE else 1)])
            except ModelError as error:
                raise ModelError(f"The model in {folder} cannot be used, for {error}") from error
    return classifier


def _require_all(folder: Path, report: dict[str, Any], *, own: bool) -> None:
    """Raise ModelError if weights are missing: transformers would initialise them at random and continue.

    In one of this program's `own` folders, none may be left over either: its config.json would have been edited.
    """
    missing, left = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
    if missing or (own and left):
        what = f"lack {missing[0]}" if missing else f"have an unexpected tensor {left[0]}"
        raise ModelError(
            f"The weights in {folder} {what}, by its config.json: either file was edited, is of another model, or is "
            "no classifier's; copy the whole model folder again."
        )


def _classifier_config(folder: Path) -> PretrainedConfig:
    """Configuration. Raises ModelError for a model that is not a plain encoder classifier, whatever its class name."""
    if is_pair(folder):
        raise ModelError(f"{folder} is a model of pairs of functions without its {CARD}: copy the whole folder again.")
    config = read_config(folder)
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(
            f"The model in {folder} ({config.model_type}) is an encoder with a decoder: this program takes classifiers "
            "that are encoders, such as RoBERTa, BERT and DistilBERT models."
        )
    root = foreign_root(folder, config)
    if root and "" in names_without(root, config).values():  # transformers' names under a prefix
        raise ModelError(
            f"The weights in {folder} are kept under {root!r}, so a program of its own, such as CodeXGLUE's, reads the "
            "head: take the model as --base of train-teacher, which gives it a head of its own."
        )
    return config


def _require_one_order(folder: Path, labels: tuple[str, str]) -> None:
    """Raise ModelError if label2id in config.json numbers the classes otherwise than id2label, whose `labels` are used.

    Names that transformers made up for label2id contradict none but themselves.
    """
    numbers = json_object(folder / "config.json").get("label2id")
    if not isinstance(numbers, dict):
        return
    names = {plain(number): name for name, number in numbers.items()}
    others = (names.get("0", ""), names.get("1", ""))
    moved = (same(name, label) and plain(numbers[name]) != str(i) for i, label in enumerate(labels) for name in numbers)
    if any(moved) or (others != _MADE_UP and crossed(labels, others)):
        raise ModelError(
            f"config.json in {folder} says in id2label that the classes 0 and 1 are {labels[0]!r} and {labels[1]!r}, "
            f"and in label2id {json.dumps(numbers)}: correct whichever is wrong."
        )


def _require_kept(folder: Path, card: ModelCard, config: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise ModelError if config.json or the tokenizer differ from those that the card was saved with.

    Another number of heads fits the same weights, and another vocabulary the same embeddings, without any error.
    """
    genes = card.architecture.to_dict() if card.architecture is not None else {}
    for gene, value in genes.items():
        if (found := getattr(config, gene, value)) != value:
            raise ModelError(
                f"config.json in {folder} says {gene} {found} and {CARD} {value}: one of them was edited; restore it."
            )
    if card.tokenizer_fingerprint not in (None, _vocabulary(tokenizer)):
        raise ModelError(
            f"The tokenizer in {folder} has another vocabulary than the one that the model was saved with: "
            "restore tokenizer.json."
        )


def _vocabulary(tokenizer: PreTrainedTokenizerBase) -> str:
    """Fingerprint of the mapping from tokens to ids."""
    return fingerprint_of(f"{number} {token}" for token, number in sorted(tokenizer.get_vocab().items()))


def _load_pair(folder: Path, card: ModelCard, tokenizer: PreTrainedTokenizerBase) -> PairClassifier:
    features = card.pair_features or PairFeatures.COMPARE
    config = read_config(folder)
    set_padding(config, tokenizer, folder)
    weights = load_file(folder / WEIGHTS)
    # Published clone students of CodeBERT have a pooler, those of GraphCodeBERT do not.
    encoder = encoder_of(config, pooler="encoder.pooler.dense.weight" in weights)
    model = PairClassifier(encoder, features)
    model.load_state_dict(weights)
    return model
