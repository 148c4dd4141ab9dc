"""Pre-trained encoders: families, folders and names that can be used, and one sentence for each that cannot."""

from __future__ import annotations

import json
import pickle
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    T5Config,
    T5ForConditionalGeneration,
)

from compressor_core.bundled import BASES, CODEBERT, GRAPHCODEBERT, bundled_teacher
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError
from compressor_core.language import Language
from compressor_core.models import hub
from compressor_core.models.card import read_card
from compressor_core.models.classifier import load
from compressor_core.models.teacher import load_encoder, reads_data_flow
from compressor_core.task import PairFeatures, Task

CODES = ["def f(x): return x", "def g(y):\n    while y:\n        y -= 1\n    return y", "x = [1, 2, 3] * 9", "pass"]
LABELS = ("no", "yes")
SHAPE: dict[str, Any] = {"vocab_size": 400, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
ROBERTA = RobertaConfig(**SHAPE, intermediate_size=16, max_position_embeddings=514, pad_token_id=1, type_vocab_size=1)
BERT = BertConfig(**SHAPE, intermediate_size=16, max_position_embeddings=200)
DISTILBERT = DistilBertConfig(vocab_size=400, dim=16, n_layers=2, n_heads=2, hidden_dim=16, max_position_embeddings=200)


def word_pieces() -> Any:
    """A tokenizer of BERT's kind: words and their pieces, between [CLS] and [SEP]."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    alphabet = [chr(code) for code in range(33, 127)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CODES * 9, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)  # type: ignore[no-untyped-call]


def masked(model: type, config: Any, tokenizer: Any, folder: Path) -> Path:
    torch.manual_seed(3)
    model(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One tiny folder of each family, saved as it is pre-trained: with the head of a masked language model."""
    root = tmp_path_factory.mktemp("encoders")
    pieces = word_pieces()
    bpe = train_tokenizer(CODES * 9, 400)
    return {
        "roberta": masked(RobertaForMaskedLM, ROBERTA, bpe, root / "roberta"),
        "bert": masked(BertForMaskedLM, BERT, pieces, root / "bert"),
        "distilbert": masked(DistilBertForMaskedLM, DISTILBERT, pieces, root / "distilbert"),
    }


@pytest.fixture
def roberta(encoders: dict[str, Path], tmp_path: Path) -> Path:
    shutil.copytree(encoders["roberta"], tmp_path / "roberta")
    return tmp_path / "roberta"


def change(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("family", ["roberta", "bert", "distilbert"])
@pytest.mark.parametrize("features", [None, *PairFeatures])
def test_every_family_serves_both_tasks(
    encoders: dict[str, Path], tmp_path: Path, family: str, features: PairFeatures | None
) -> None:
    task = Task.CLONE if features else Task.VULNERABILITY
    teacher = load_encoder(str(encoders[family]), task, LABELS, 64, features or PairFeatures.COMPARE)
    assert teacher.model.training
    model: Any = teacher.model
    encoder = model.encoder if features else model.base_model
    original: Any = {"roberta": RobertaForMaskedLM, "bert": BertForMaskedLM, "distilbert": DistilBertForMaskedLM}[
        family
    ]
    expected = original.from_pretrained(encoders[family]).base_model.state_dict()
    for name, weight in encoder.state_dict().items():
        assert name.startswith("pooler.") or torch.equal(weight, expected[name]), name

    teacher.model.eval()
    examples = [(CODES[0], CODES[1]), (CODES[2], CODES[0])] if features else [(code,) for code in CODES]
    teacher.save(tmp_path / "teacher")
    again = load(tmp_path / "teacher")
    assert torch.equal(again.logits(examples), teacher.logits(examples))
    assert again.card.replace(tokenizer_fingerprint=None) == teacher.card and again.card.pair_features is features
    one_by_one = torch.cat([teacher.logits([example]) for example in examples])
    assert torch.allclose(one_by_one, teacher.logits(examples), atol=1e-5)


def test_a_head_for_other_labels_is_replaced(tmp_path: Path) -> None:
    config = RobertaConfig.from_dict({**ROBERTA.to_dict(), "num_labels": 5})
    folder = masked(RobertaForSequenceClassification, config, train_tokenizer(CODES * 9, 400), tmp_path / "five")
    teacher = load_encoder(str(folder), Task.VULNERABILITY, LABELS, 64)
    assert teacher.logits([(CODES[0],)]).shape == (1, 2)


def test_the_architecture_of_a_base_is_that_of_its_card() -> None:
    base = bundled_teacher("classroom-clone")
    card = read_card(base)
    assert card is not None and card.architecture is not None
    assert load_encoder(base, Task.CLONE, LABELS, 64).card.architecture == card.architecture


def test_half_precision_weights_are_trained_in_full(roberta: Path) -> None:
    RobertaForMaskedLM.from_pretrained(roberta, dtype=torch.float16).save_pretrained(roberta)
    teacher = load_encoder(str(roberta), Task.CLONE, LABELS, 64)
    assert {parameter.dtype for parameter in teacher.model.parameters()} == {torch.float32}


def test_code_that_comes_with_a_model_is_not_run(roberta: Path) -> None:
    """Not even read, where transformers knows the architecture itself."""
    change(roberta, auto_map={"AutoConfig": "own.Config", "AutoModel": "own.Model"})
    (roberta / "own.py").write_text("raise SystemExit('it was run')")
    assert load_encoder(str(roberta), Task.CLONE, LABELS, 64).parameters > 0


def truncated(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def without_a_layer(folder: Path) -> None:
    model: Any = RobertaForMaskedLM.from_pretrained(folder)
    model.roberta.encoder.layer = model.roberta.encoder.layer[:1]
    model.config.num_hidden_layers = 1
    model.save_pretrained(folder)
    change(folder, num_hidden_layers=2)


def as_pickle(content: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        torch.save(content, folder / "pytorch_model.bin")

    return spoil


class Evil:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('it was run')",)


def bare_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))


def empty_vocabulary(folder: Path) -> None:
    values = json.loads((folder / "tokenizer.json").read_text())
    values["model"] |= {"vocab": {}, "merges": []}
    (folder / "tokenizer.json").write_text(json.dumps(values))


def without_vocabulary(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "config.json").write_text('{"half":'), "no JSON object"),
        (lambda folder: (folder / "config.json").write_text("[]"), "no JSON object"),
        (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"has no model\.safetensors"),
        (lambda folder: change(folder, model_type="quux"), r"\(quux\) is unknown to transformers"),
        (
            lambda folder: change(folder, model_type="quux", auto_map={"AutoConfig": "own.Config"}),
            "needs code of its own, which is never run",
        ),
        (lambda folder: change(folder, hidden_size=17), "cannot be read|do not fit"),
        (lambda folder: change(folder, num_hidden_layers=3), "do not fit its config.json: 16 of"),
        (lambda folder: change(folder, vocab_size=200), "belong to different models"),
        (lambda folder: change(folder, max_position_embeddings=4), "do not fit"),
        (without_a_layer, "do not fit its config.json"),
        (truncated, "damaged or incomplete"),
        (as_pickle({"roberta.x": Evil()}), "holds more than tensors"),
        (as_pickle({"roberta.x": 3}), "cannot be read|do not fit"),
        (as_pickle({"weights": torch.ones(2)}), "do not fit"),
        (bare_pickle, "holds more than tensors"),
        (empty_vocabulary, "empty tokenizer"),
        (without_vocabulary, r"has no tokenizer\.json"),
    ],
)
@pytest.mark.parametrize("task", list(Task))
def test_what_cannot_be_used_is_one_sentence(
    roberta: Path, spoil: Callable[[Path], object], says: str, task: Task
) -> None:
    spoil(roberta)
    with pytest.raises(ModelError, match=says) as refused:
        load_encoder(str(roberta), task, LABELS, 64)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_decoders_are_refused(tmp_path: Path, kind: str) -> None:
    model: Any
    if kind == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(vocab_size=400, n_embd=16, n_layer=1, n_head=2))
    else:
        model = T5ForConditionalGeneration(
            T5Config(vocab_size=400, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        )
    model.save_pretrained(tmp_path)
    train_tokenizer(CODES * 9, 400).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=rf"\({kind}\) is no encoder"):
        load_encoder(str(tmp_path), Task.CLONE, LABELS, 64)


def test_data_flow_needs_positions_like_robertas(encoders: dict[str, Path]) -> None:
    teacher = load_encoder(str(encoders["roberta"]), Task.CLONE, LABELS, 999, data_flow=Language.JAVA)
    assert (teacher.card.data_flow, teacher.card.max_length) == (Language.JAVA, 384)
    with pytest.raises(ModelError, match="cannot read data flow"):
        load_encoder(str(encoders["bert"]), Task.CLONE, LABELS, 64, data_flow=Language.JAVA)


def test_who_reads_data_flow(roberta: Path) -> None:
    assert reads_data_flow(GRAPHCODEBERT) and not reads_data_flow(CODEBERT)
    assert {CODEBERT, GRAPHCODEBERT} < set(BASES)
    assert not reads_data_flow(str(roberta)) and not reads_data_flow("absent/model")
    change(roberta, _name_or_path=GRAPHCODEBERT)
    assert reads_data_flow(str(roberta))


class TestHub:
    """Names instead of folders; nothing here reaches a network."""

    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            monkeypatch.setattr(constants, name, str(tmp_path / "hub"), raising=False)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        return tmp_path / "hub"

    @staticmethod
    def into_cache(cache: Path, name: str, folder: Path) -> Path:
        """A snapshot as huggingface_hub keeps it."""
        model = cache / f"models--{name.replace('/', '--')}"
        (model / "refs").mkdir(parents=True)
        (model / "refs" / "main").write_text("0" * 40)
        shutil.copytree(folder, model / "snapshots" / ("0" * 40))
        return model / "snapshots" / ("0" * 40)

    @staticmethod
    def refused(name: str, says: str) -> None:
        with pytest.raises(ModelError, match=says) as error:
            load_encoder(name, Task.VULNERABILITY, LABELS, 64)
        assert "\n" not in str(error.value)

    def test_the_cache_serves_without_a_network(
        self, own_cache: Path, encoders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: pytest.fail("the hub was asked"))
        snapshot = self.into_cache(own_cache, CODEBERT, encoders["roberta"])
        assert load_encoder(CODEBERT, Task.CLONE, LABELS, 64).card.max_length == 64
        (snapshot / "model.safetensors").unlink()
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        self.refused(CODEBERT, "HF_HUB_OFFLINE keeps this program from the hub")

    def test_offline_by_choice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        self.refused(GRAPHCODEBERT, "not in the local cache, and HF_HUB_OFFLINE")

    @pytest.mark.parametrize("failure", [OSError("Name or service not known"), TimeoutError(), RuntimeError("proxy")])
    def test_no_network(self, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise failure

        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(model_info=refuse))
        self.refused(CODEBERT, "the hub cannot be reached .*give its folder")

    def test_a_network_that_swallows_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hub, "PATIENCE", 0.2)
        answered = threading.Event()
        slow = SimpleNamespace(model_info=lambda *_, **__: answered.wait(600))
        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: slow)
        self.refused(CODEBERT, r"the hub cannot be reached \(no answer within 0\.2 s\)")
        answered.set()

    def test_a_socket_that_leads_nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The real client, with a name that resolves to nothing."""
        import socket

        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        self.refused("nobody/nothing", "the hub cannot be reached")

    def test_a_download_is_as_small_as_can_be(
        self, encoders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        there = ["config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5", "vocab.json", "merges.txt"]
        info = SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in there])
        asked: list[list[str]] = []

        def download(name: str, *, allow_patterns: Any = None, local_files_only: bool = False) -> str:
            if local_files_only:
                raise OSError("not in the cache")
            asked.append(allow_patterns)
            return str(encoders["roberta"])

        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(model_info=lambda *_, **__: info))
        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        assert load_encoder(CODEBERT, Task.VULNERABILITY, LABELS, 64).parameters
        assert asked == [["config.json", "merges.txt", "model.safetensors", "vocab.json"]]
        info.siblings = info.siblings[3:]
        self.refused(CODEBERT, "has no weights that can be loaded")

    @pytest.mark.parametrize("path", ["../somewhere", "/no/such/folder", "./here", "a/b/c", "~/model", "a//b"])
    def test_paths_are_not_names(self, path: str) -> None:
        self.refused(path, "There is no model folder")

    def test_a_file_is_no_folder(self, roberta: Path) -> None:
        self.refused(str(roberta / "config.json"), "is a file")
