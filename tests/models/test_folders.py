"""Model folders as they come from clones, other programs and other frameworks: read, or told with the remedy."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, processors
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BartConfig,
    BartForSequenceClassification,
    ElectraConfig,
    ElectraForMaskedLM,
    GPT2Config,
    GPT2ForSequenceClassification,
    IBertConfig,
    IBertForMaskedLM,
    LongformerConfig,
    LongformerForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    MPNetConfig,
    MPNetForMaskedLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    T5Config,
    T5ForSequenceClassification,
)

from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.models.classifier import load
from compressor_core.models.teacher import load_encoder
from compressor_core.task import Task

CODES = ["def f(x): return x", "def g(y):\n    while y:\n        y -= 1\n    return y", "x = [1, 2, 3] * 9", "pass"]
LONG = "def f(x):\n" + "    x = x + 1\n" * 600
LABELS = ("safe", "vulnerable")
SHAPE: dict[str, Any] = {
    **{"vocab_size": 400, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16},
    **{"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2},
}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 498627950\n"


def saved(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    train_tokenizer(CODES * 9, 400).save_pretrained(folder)
    return folder


@pytest.fixture
def roberta(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    return saved(RobertaForMaskedLM(RobertaConfig(**SHAPE, max_position_embeddings=514)), tmp_path / "roberta")


def base(folder: Path, task: Task = Task.VULNERABILITY) -> Any:
    found = load_encoder(folder, task, LABELS, 512)
    found.model.eval()
    return found


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("prefix", "strip"),
    [("encoder.", ""), ("module.", ""), ("module.encoder.", ""), ("encoder.", "roberta."), ("", "roberta.")],
)
@pytest.mark.parametrize("task", list(Task))
def test_weights_under_another_programs_names_are_those_of_the_encoder(
    roberta: Path, prefix: str, strip: str, task: Task
) -> None:
    state = weights(roberta)
    (roberta / "model.safetensors").unlink()
    renamed = {prefix + name.removeprefix(strip): value for name, value in state.items()}
    torch.save(renamed, roberta / "pytorch_model.bin")
    model: Any = base(roberta, task).model
    encoder = model.encoder if task is Task.CLONE else model.roberta
    for name, value in encoder.state_dict().items():
        assert name.startswith("pooler.") or torch.equal(value, state[f"roberta.{name}"]), name


PREFIXES = ["", "encoder.", "module.", "module.encoder.", "_orig_mod.", "model.", "model.encoder.", "module.roberta."]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("strip", ["", "roberta."])
@pytest.mark.parametrize("key", [None, "state_dict"])
@pytest.mark.parametrize("task", list(Task))
def test_weights_under_another_programs_names_are_saved_under_plain_ones(
    roberta: Path, tmp_path: Path, prefix: str, strip: str, key: str | None, task: Task
) -> None:
    state = {prefix + name.removeprefix(strip): value for name, value in weights(roberta).items()}
    (roberta / "model.safetensors").unlink()
    torch.save(state if key is None else {key: state}, roberta / "pytorch_model.bin")
    made = base(roberta, task)
    made.save(tmp_path / "teacher")
    examples = CODES if task is Task.VULNERABILITY else [(CODES[0], CODES[1])]
    assert torch.equal(load(tmp_path / "teacher").logits(examples), made.logits(examples))
    assert set(weights(tmp_path / "teacher")) == set(made.model.state_dict())
    if task is Task.VULNERABILITY:
        plain, report = AutoModelForSequenceClassification.from_pretrained(
            tmp_path / "teacher", output_loading_info=True
        )
        assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
        for name, value in plain.state_dict().items():
            assert torch.equal(value, made.model.state_dict()[name]), name
        tokens = made.tokenizer(CODES[1], return_tensors="pt")
        assert torch.allclose(plain.eval()(**tokens).logits, made.logits([CODES[1]]), atol=1e-5)


def test_a_head_that_another_program_reads_is_not_scored(roberta: Path) -> None:
    model = RobertaForSequenceClassification.from_pretrained(roberta)
    (roberta / "model.safetensors").unlink()
    torch.save({f"encoder.{name}": value for name, value in model.state_dict().items()}, roberta / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"kept under 'encoder\.roberta\.'.* --base of train-teacher"):
        load(roberta)
    assert base(roberta).logits([LONG]).shape == (1, 2)


def sharded(folder: Path) -> None:
    RobertaForMaskedLM.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / "model.safetensors").unlink()


def sharded_pickles(folder: Path) -> None:
    state = list(weights(folder).items())
    (folder / "model.safetensors").unlink()
    places: dict[str, str] = {}
    for number, part in enumerate((state[:9], state[9:]), 1):
        name = f"pytorch_model-{number:05}-of-00002.bin"
        torch.save(dict(part), folder / name)
        places |= {key: name for key, _ in part}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}), "utf-8")


@pytest.mark.parametrize("split", [sharded, sharded_pickles])
def test_weights_in_parts(roberta: Path, split: Callable[[Path], None]) -> None:
    whole = base(roberta).logits(CODES)
    head = {name: value.clone() for name, value in base(roberta).model.classifier.state_dict().items()}
    split(roberta)
    model = base(roberta)
    model.model.classifier.load_state_dict(head)
    assert model.model.roberta.embeddings.word_embeddings.weight.shape == (400, 16) and whole.shape == (4, 2)
    part = sorted([*roberta.glob("model-*"), *roberta.glob("pytorch_model-*")])[-1]
    content = part.read_bytes()
    part.unlink()
    with pytest.raises(ModelError, match=f"lacks {part.name}, a part of its weights"):
        base(roberta)
    part.write_bytes(content)
    next(roberta.glob("*.index.json")).unlink()
    with pytest.raises(ModelError, match=r"no .*index\.json that says where each is"):
        base(roberta)


def unchanged(_: Path) -> None:
    """Leave the folder as it is."""


def pickled(folder: Path) -> None:
    torch.save(weights(folder), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def with_vocabulary(folder: Path) -> None:
    values = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]
    (folder / "vocab.json").write_text(json.dumps(values["vocab"]), "utf-8")
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("name", "before"),
    [
        *(
            (name, unchanged)
            for name in ("model.safetensors", "tokenizer.json", "config.json", "tokenizer_config.json")
        ),
        *((name, unchanged) for name in ("special_tokens_map.json", "added_tokens.json", "compressor.json")),
        ("pytorch_model.bin", pickled),
        ("merges.txt", with_vocabulary),
        ("model.safetensors.index.json", sharded),
        ("pytorch_model.bin.index.json", sharded_pickles),
    ],
)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (POINTER, "a Git LFS pointer, .* `git lfs pull`"),
        (b"\xef\xbb\xbf" + POINTER.replace(b"\n", b"\r\n"), "a Git LFS pointer, .* `git lfs pull`"),
        (POINTER.decode("utf-8").encode("utf-16"), "a Git LFS pointer, .* `git lfs pull`"),
        (POINTER.replace(b"git-lfs", b"hawser"), "a Git LFS pointer, .* `git lfs pull`"),
        (b"<!DOCTYPE html><html>", "a web page, .* download it again"),
    ],
)
def test_what_lies_in_the_place_of_a_file(
    roberta: Path, name: str, before: Callable[[Path], None], content: bytes, says: str
) -> None:
    before(roberta)
    (roberta / name).write_bytes(content)
    for read in (load, base):
        with pytest.raises(ModelError, match=f"{name} is {says}"):
            read(roberta)


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("model.safetensors", unchanged),
        ("pytorch_model.bin", pickled),
        ("model-00001-of-00003.safetensors", sharded),
        ("pytorch_model-00002-of-00002.bin", sharded_pickles),
        ("spiece.model", unchanged),
    ],
)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty: download it again"),
        (b"\n\n", "is empty: download it again"),
        (b"Entry not found", r"is a text \('Entry not found'\), not the file itself: download it again"),
        (
            b'{"error":"Invalid username or password."}',
            r"is a text \('{\"error\":\"Invalid.*}'\), .* download it again",
        ),
        (b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>", r"is a text \(.*xml.*\), .* download it"),
        ("Accès refusé".encode("utf-16"), r"is a text \('Accès refusé'\)"),
        (b"x" + "é".encode() * 300, r"is a text \('xéé"),
    ],
)
def test_what_a_server_says_in_the_place_of_a_file(
    roberta: Path, name: str, before: Callable[[Path], None], content: bytes, says: str
) -> None:
    before(roberta)
    assert name == "spiece.model" or (roberta / name).is_file()
    (roberta / name).write_bytes(content)
    for read in (load, base):
        with pytest.raises(ModelError, match=f"{name} {says}"):
            read(roberta)


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.parametrize("task", list(Task))
def test_weights_inside_a_training_checkpoint(roberta: Path, key: str, prefix: str, task: Task) -> None:
    state = weights(roberta)
    (roberta / "model.safetensors").unlink()
    inner = {prefix + name: value for name, value in state.items()}
    torch.save({"epoch": 3, key: inner, "optimizer": {"lr": 0.1}}, roberta / "pytorch_model.bin")
    model: Any = base(roberta, task).model
    encoder = model.encoder if task is Task.CLONE else model.roberta
    for name, value in encoder.state_dict().items():
        assert name.startswith("pooler.") or torch.equal(value, state[f"roberta.{name}"]), name


def test_a_classifier_inside_a_training_checkpoint_answers_alike(roberta: Path) -> None:
    RobertaForSequenceClassification.from_pretrained(roberta).save_pretrained(roberta)
    answers, state = load(roberta).logits(CODES), weights(roberta)
    (roberta / "model.safetensors").unlink()
    torch.save({"state_dict": state}, roberta / "pytorch_model.bin")
    assert torch.equal(load(roberta).logits(CODES), answers)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        *(("model.bin", "pytorch_model.bin"), ("best.pt", "pytorch_model.bin"), ("last.ckpt", "pytorch_model.bin")),
        ("model.fp16.safetensors", "model.safetensors"),
    ],
)
@pytest.mark.parametrize("config", [True, False])
def test_weights_under_a_name_of_their_own(roberta: Path, name: str, to: str, config: bool) -> None:
    if to == "pytorch_model.bin":
        pickled(roberta)
    (roberta / to).rename(roberta / name)
    torch.save({}, roberta / "optimizer.pt")
    torch.save({}, roberta / "training_args.bin")
    content = (roberta / "config.json").read_bytes()
    if not config:
        (roberta / "config.json").unlink()
    with pytest.raises(ModelError, match=f"has .*{name}.* rename .* to {to}") as refused:
        base(roberta)
    assert config or f"has {name} and no config.json: copy config.json and the tokenizer" in str(refused.value)
    (roberta / "config.json").write_bytes(content)
    (roberta / name).rename(roberta / to)  # the remedy
    assert base(roberta).logits(CODES).shape == (4, 2)


@pytest.mark.parametrize("read", [load, base])
@pytest.mark.parametrize(
    ("quantised", "says"),
    [({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes"), ({"load_in_4bit": True}, "config.json")],
)
def test_quantised_weights_are_named(
    roberta: Path, read: Callable[[Path], Any], quantised: dict[str, Any], says: str
) -> None:
    change(roberta / "config.json", quantization_config=quantised)
    with pytest.raises(ModelError, match=rf"are quantised \(.*{says}\).* before it was quantised, or .*dequantize"):
        read(roberta)


@pytest.mark.parametrize("task", list(Task))
def test_a_padding_id_that_the_tokenizer_knows(roberta: Path, tmp_path: Path, task: Task) -> None:
    change(roberta / "config.json", pad_token_id=None)
    model = base(roberta, task)
    examples = CODES if task is Task.VULNERABILITY else [(CODES[0], CODES[1])]
    model.save(tmp_path / "teacher")
    assert torch.equal(load(tmp_path / "teacher").logits(examples), model.logits(examples))
    change(tmp_path / "teacher" / "config.json", pad_token_id=None)
    assert torch.equal(load(tmp_path / "teacher").logits(examples), model.logits(examples))


def test_a_padding_id_that_nobody_knows(roberta: Path) -> None:
    RobertaForSequenceClassification.from_pretrained(roberta).save_pretrained(roberta)
    change(roberta / "config.json", pad_token_id=None)
    change(roberta / "tokenizer_config.json", pad_token=None)
    with pytest.raises(ModelError, match=r"Neither .* names a token for padding: set pad_token in tokenizer_config"):
        load(roberta)
    change(roberta / "tokenizer_config.json", pad_token="<pad>")  # the remedy
    assert load(roberta).logits(CODES).shape == (4, 2)


def test_a_tokenizer_of_a_class_of_another_version(roberta: Path) -> None:
    expected = base(roberta).encode(CODES)
    change(roberta / "tokenizer_config.json", tokenizer_class="OfAnotherVersion", extra_special_tokens=["<mask>"])
    found = base(roberta).encode(CODES)
    assert [one.ids for example in found for one in example] == [one.ids for example in expected for one in example]


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_model.bin"])
@pytest.mark.parametrize("config", [True, False])
def test_an_adapter_is_no_model(roberta: Path, name: str, config: bool) -> None:
    (roberta / "model.safetensors").rename(roberta / name)
    (roberta / "adapter_config.json").write_text('{"base_model_name_or_path": "microsoft/codebert-base"}', "utf-8")
    if not config:
        (roberta / "config.json").unlink()
    with pytest.raises(ModelError, match=r"an adapter of microsoft/codebert-base, .* merge_and_unload"):
        base(roberta)


@pytest.mark.parametrize("files", [("pytorch_adapter.bin", "pytorch_model_head.bin"), ("adapter.safetensors",)])
def test_an_adapter_of_adapterhub_is_not_sent_to_peft(roberta: Path, files: tuple[str, ...]) -> None:
    for name in files:
        shutil.copy(roberta / "model.safetensors", roberta / name)
    (roberta / "model.safetensors").unlink()
    adapter = {"config": {}, "model_name": "microsoft/codebert-base", "model_type": "roberta", "version": "1.0.0"}
    (roberta / "adapter_config.json").write_text(json.dumps(adapter), "utf-8")
    with pytest.raises(ModelError, match=r"an adapter of microsoft/codebert-base, .* AdapterHub.* --base") as refused:
        base(roberta)
    assert "peft" not in str(refused.value)


@pytest.mark.parametrize("key", ["base_model_name_or_path", "model_name"])
def test_an_adapter_beside_full_weights_is_told(roberta: Path, key: str) -> None:
    (roberta / "adapter_config.json").write_text(json.dumps({key: "a/b"}), "utf-8")
    for read in (load, base):
        with pytest.raises(ModelError, match=r"an adapter of a/b beside its weights, .* move adapter_config\.json out"):
            read(roberta)
    (roberta / "adapter_config.json").unlink()  # the remedy
    assert base(roberta).logits(CODES).shape == (4, 2)


@pytest.mark.parametrize(
    ("name", "says"), [("tf_model.h5", "TensorFlow"), ("flax_model.msgpack", "Flax"), ("x.Q4.gguf", "llama.cpp")]
)
def test_weights_of_another_framework(roberta: Path, name: str, says: str) -> None:
    (roberta / "model.safetensors").rename(roberta / name)
    with pytest.raises(ModelError, match=f"has weights for {says} alone"):
        base(roberta)


PIECES = ["sentencepiece.bpe.model", "spiece.model", "spm.model", "sentencepiece.model", "tokenizer.model"]


def with_pieces(folder: Path, name: str, kind: Any) -> None:
    """Leave the beginning of a SentencePiece model as the folder's only tokenizer."""
    (folder / "tokenizer.json").unlink()
    (folder / name).write_bytes(b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    change(folder / "tokenizer_config.json", tokenizer_class=kind)


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "XLMRobertaTokenizer", "AlbertTokenizer", "OfAnother", 5])
def test_a_sentencepiece_model_alone(roberta: Path, name: str, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_pieces(roberta, name, kind)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=rf"SentencePiece model alone \({name}\), .* `pip install sentencepiece`"):
        base(roberta)


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("read", [load, base])
def test_a_sentencepiece_model_that_transformers_cannot_read(
    roberta: Path, name: str, read: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_pieces(roberta, name, "AlbertTokenizer")

    def fail(*_: Any, **__: Any) -> None:
        raise TypeError("Expected Union[Tuple[str, int], Tuple[int, str], dict]")

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", fail)
    with pytest.raises(
        ModelError, match=rf"a SentencePiece model alone \({name}\): .* add the model's tokenizer\.json"
    ):
        read(roberta)


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize(
    ("kind", "vocabulary"), [(None, "vocab.json"), ("RobertaTokenizer", "vocab.json"), ("BertTokenizer", "vocab.txt")]
)
def test_a_sentencepiece_model_of_a_class_with_another_vocabulary(
    roberta: Path, name: str, kind: str | None, vocabulary: str
) -> None:
    """Transformers takes its pieces for words of another kind, and parts functions wrongly."""
    with_pieces(roberta, name, kind)
    says = rf"\({name}\), and {kind or 'RobertaTokenizer'} reads {vocabulary}: add the model's tokenizer\.json"
    with pytest.raises(ModelError, match=says):
        base(roberta)


def test_a_tokenizer_that_its_class_cannot_read(roberta: Path) -> None:
    """The class needs [CLS] among the pieces; tokenizer.json adds it to them."""
    pieces = [("<pad>", 0.0), ("<unk>", 0.0), *((chr(code), -float(code)) for code in range(33, 333))]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=1))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=ends)
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    made: Any = PreTrainedTokenizerFast
    made(tokenizer_object=tokenizer, **special).save_pretrained(roberta)
    change(roberta / "tokenizer_config.json", tokenizer_class="AlbertTokenizer")
    (example,) = base(roberta).encode(["f(x)"])
    assert [list(one.ids) for one in example] == [tokenizer.encode("f(x)").ids]


@pytest.mark.parametrize(
    ("kind", "config", "most"),
    [
        (RobertaForMaskedLM, RobertaConfig(**SHAPE | {"pad_token_id": 3}, max_position_embeddings=514), 510),
        (RobertaForMaskedLM, RobertaConfig(**SHAPE | {"pad_token_id": 0}, max_position_embeddings=100), 99),
        (MPNetForMaskedLM, MPNetConfig(**SHAPE, max_position_embeddings=100), 98),
        (IBertForMaskedLM, IBertConfig(**SHAPE, max_position_embeddings=100), 98),
        (ElectraForMaskedLM, ElectraConfig(**SHAPE, embedding_size=16, max_position_embeddings=100), 100),
        (ModernBertForMaskedLM, ModernBertConfig(**SHAPE, max_position_embeddings=8192), 512),
    ],
)
def test_the_longest_function_is_read_and_exported(tmp_path: Path, kind: Any, config: Any, most: int) -> None:
    torch.manual_seed(3)
    model = base(saved(kind(config), tmp_path / "base"))
    assert model.card.max_length == most and len(model.encode([LONG])[0][0]) == most
    model.save(tmp_path / "teacher")
    again = load(tmp_path / "teacher")
    export_onnx(again.model, tmp_path / "model.onnx")
    session = open_onnx(tmp_path / "model.onnx")
    for code in (LONG, *CODES):
        assert abs(run_onnx(session, again.encode([code])[0]) - again.logits([code]).numpy()).max() < 1e-5


def test_a_card_that_promises_more_positions_than_there_are(roberta: Path, tmp_path: Path) -> None:
    model = base(roberta)
    model.card = model.card.replace(max_length=512)
    model.save(tmp_path / "t")
    values = json.loads((tmp_path / "t" / "config.json").read_text("utf-8"))
    (tmp_path / "t" / "config.json").write_text(json.dumps({**values, "pad_token_id": 3}), "utf-8")
    with pytest.raises(ModelError, match="says that 512 tokens are read, and the model has positions for 510"):
        load(tmp_path / "t")


def test_a_problem_type_of_the_base_is_not_the_teachers(tmp_path: Path) -> None:
    config = RobertaConfig(**SHAPE, max_position_embeddings=100)
    config.problem_type = "multi_label_classification"
    teacher = base(saved(RobertaForSequenceClassification(config), tmp_path / "base"))
    teacher.save(tmp_path / "teacher")
    assert json.loads((tmp_path / "teacher" / "config.json").read_text("utf-8")).get("problem_type") is None


@pytest.mark.parametrize(
    "model",
    [
        lambda: BartForSequenceClassification(
            BartConfig(
                vocab_size=400, d_model=16, encoder_layers=1, decoder_layers=1, eos_token_id=2,
                encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
            )
        ),
        lambda: T5ForSequenceClassification(
            T5Config(vocab_size=400, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        ),
    ],
)  # fmt: skip
def test_an_encoder_with_a_decoder_is_told(tmp_path: Path, model: Callable[[], Any]) -> None:
    folder = saved(model(), tmp_path / "model")
    with pytest.raises(ModelError, match="is an encoder with a decoder: this program takes"):
        load(folder)


def test_a_classifier_that_looks_back_alone_is_exported_as_it_answers(tmp_path: Path) -> None:
    torch.manual_seed(3)
    config = GPT2Config(vocab_size=400, n_embd=16, n_layer=1, n_head=2, n_positions=128, pad_token_id=1)
    model = load(saved(GPT2ForSequenceClassification(config), tmp_path / "model"))
    export_onnx(model.model, tmp_path / "model.onnx")
    answer = run_onnx(open_onnx(tmp_path / "model.onnx"), model.encode([CODES[1]])[0])
    assert abs(answer - model.logits([CODES[1]]).numpy()).max() < 1e-5


def test_what_cannot_be_written_as_onnx_is_one_sentence(tmp_path: Path) -> None:
    config = LongformerConfig(**SHAPE, attention_window=16, max_position_embeddings=130)
    model = base(saved(LongformerForMaskedLM(config), tmp_path / "model"))
    with pytest.raises(ModelError, match=r"A longformer model cannot be written as ONNX .* distill a student"):
        export_onnx(model.model, tmp_path / "model.onnx")


def test_a_copy_of_a_folder_reads_alike(roberta: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(roberta, tmp_path / "copy")
    assert base(copy).card == base(roberta).card
