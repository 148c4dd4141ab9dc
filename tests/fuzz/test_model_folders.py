"""Model folders: config.json, compressor.json, weights, tokenizers, as classifiers and as teachers' bases."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.torch import load_file, save

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import CompressorError
from compressor_core.evaluate.attribution import TOLERANCE, attribute
from compressor_core.evaluate.prediction import predict_once
from compressor_core.language import Language
from compressor_core.models.card import ModelCard, read_card
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.models.teacher import find_encoder, load_encoder, reads_data_flow
from compressor_core.task import PairFeatures, Task
from tests.fuzz.guard import clear
from tests.fuzz.programs import texts_like_code
from tests.fuzz.values import EDGES, cheap, damaged, edited, plain_values, texts

Draw = Callable[[st.SearchStrategy[Any]], Any]
CODE = "int main() { return abc + abd; }"
CARD = ModelCard(
    task=Task.VULNERABILITY, labels=("safe", "vulnerable"), max_length=40, architecture=Architecture(300, 16, 1, 2, 16)
).model_dump(mode="json")


def made(folder: Path, task: Task, data_flow: Language | None = None) -> Path:
    """A tiny model of this program's, saved by itself."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer([CODE, "while for unsigned return void character"] * 9, 300)
    architecture = Architecture(300, 16, 1, 2, 16)
    pair = PairFeatures.COMPARE if task is Task.CLONE else None
    card = ModelCard(
        task=task, labels=("0", "1"), max_length=40, architecture=architecture, pair_features=pair, data_flow=data_flow
    )
    Classifier(build(architecture, task, pair or PairFeatures.COMPARE), tokenizer, card).save(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {
        "one": made(root / "one", Task.VULNERABILITY),
        "pair": made(root / "pair", Task.CLONE),
        "flow": made(root / "flow", Task.VULNERABILITY, Language.C),
    }


def asked(folder: Path, *, right: bool = False) -> None:
    """Load what is there, both as a model and as the base of a teacher, and ask it."""
    with nullcontext() if right else clear():
        model = load(folder)
        functions = (CODE,) * (2 if model.card.task is Task.CLONE else 1)
        answer = predict_once(model, functions)
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert answer.label in model.card.labels
    with nullcontext() if right else clear():
        base = load_encoder(str(find_encoder(str(folder))), Task.VULNERABILITY, ("a", "b"), 40)
        assert base.logits([(CODE,)]).isfinite().all()


def copied(models: dict[str, Path], name: str, folder: Path) -> Path:
    """A copy of a model that an example may change."""
    copy = folder / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(models[name], copy)
    return copy


@pytest.mark.parametrize("name", ["one", "pair", "flow"])
def test_right_folders_are_read(models: dict[str, Path], name: str) -> None:
    if name == "pair":
        load(models[name])
    else:
        asked(models[name], right=True)


NAMES = st.sampled_from(("one", "pair", "flow"))
FILES = ("config.json", "compressor.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")


@cheap(2)
@given(NAMES, st.data())
def test_values_in_config(tmp_path: Path, models: dict[str, Path], name: str, data: st.DataObject) -> None:
    folder = copied(models, name, tmp_path)
    path = folder / "config.json"
    right = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(data.draw(edited(right, 2) | numbers_of(right))), "utf-8")
    asked(folder)


@st.composite
def numbers_of(draw: Draw, right: dict[str, Any]) -> dict[str, Any]:
    """A configuration with other numbers in one or two places."""
    values = dict(right)
    names = [name for name, value in values.items() if isinstance(value, int | float)]
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=2)):
        values[name] = draw(st.sampled_from(EDGES) | st.integers(-3, 5000) | st.floats())
    return values


HUGE: tuple[dict[str, Any], ...] = (
    {"hidden_size": 1_000_000},
    {"vocab_size": 10_000_000},
    {"num_hidden_layers": 1_000_000},
    {"num_hidden_layers": 999, "hidden_size": 4096},
    {"intermediate_size": 10_000_000},
    {"max_position_embeddings": 10_000_000},
    {"num_labels": 10_000_000},
    {"type_vocab_size": 9_000_000},
    {"num_attention_heads": 0},
    {"hidden_size": -16},
    {"hidden_size": 1e18},
    {"pad_token_id": 10**6},
    {"pad_token_id": None},
    {"layer_norm_eps": "x"},
    {"model_type": "gpt2"},
    {"model_type": ["roberta"]},
    {"auto_map": {"AutoConfig": "evil.Config"}},
    {"hidden_act": "no"},
    {"id2label": {"0": "a", "1": "b", "2": "c"}},
    {"id2label": {"a": "b"}},
    {"quantization_config": {"quant_method": "bitsandbytes"}},
    {"dtype": "float99"},
    {"torch_dtype": "int64"},
    {"attn_implementation": "flash_attention_2"},
    {"_attn_implementation": "kernels-community/flash"},
)


@pytest.mark.parametrize("values", HUGE, ids=lambda values: "-".join(map(str, values.items())))
@cheap(400)
@given(name=NAMES)
def test_configs_that_ask_for_too_much(
    tmp_path: Path, models: dict[str, Path], values: dict[str, Any], name: str
) -> None:
    folder = copied(models, name, tmp_path)
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **values}), "utf-8")
    asked(folder)


@cheap(2)
@given(NAMES, st.sampled_from(FILES), st.data())
def test_damaged_file_of_a_model(
    tmp_path: Path, models: dict[str, Path], name: str, file: str, data: st.DataObject
) -> None:
    folder = copied(models, name, tmp_path)
    if data.draw(st.integers(0, 5)) == 0:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(data.draw(damaged((folder / file).read_bytes()) | st.just(b"[" * 100_000)))
    asked(folder)


@cheap(2)
@given(NAMES, st.data())
def test_tensors_of_a_model(tmp_path: Path, models: dict[str, Path], name: str, data: st.DataObject) -> None:
    folder = copied(models, name, tmp_path)
    state = load_file(folder / "model.safetensors")
    for one in data.draw(st.lists(st.sampled_from(sorted(state)), max_size=2)):
        old = state.pop(one, torch.zeros(2))
        shape = data.draw(st.lists(st.integers(0, 40), max_size=3))
        kinds = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool, torch.float8_e4m3fn)
        match data.draw(st.sampled_from(("shape", "kind", "kinds", "nan", "inf", "drop", "name"))):
            case "shape":
                state[one] = torch.zeros(shape)
            case "kind":
                state[one] = old.to(data.draw(st.sampled_from(kinds)))
            case "kinds":
                kind = data.draw(st.sampled_from(kinds))
                state = {key: value.to(kind) for key, value in state.items()} | {one: old.to(kind)}
            case "nan" | "inf" as bad:
                state[one] = torch.full(old.shape, float(bad)).to(old.dtype)
            case "name":
                state[data.draw(st.text(max_size=9))] = old
    (folder / "model.safetensors").write_bytes(save(state, {"format": data.draw(st.sampled_from(("pt", "tf", "x")))}))
    asked(folder)


@cheap(2)
@given(
    st.dictionaries(
        texts,
        st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(("F32", "F64", "X", "I8")),
                "shape": st.lists(st.sampled_from(EDGES), max_size=3),
                "data_offsets": st.lists(st.sampled_from(EDGES), min_size=2, max_size=2),
            }
        ),
        max_size=3,
    ),
    st.sampled_from((0, 1, 8, 2**40, 2**63)),
)
@example({}, 2**62)
def test_headers_that_claim_huge_sizes(
    tmp_path: Path, models: dict[str, Path], header: dict[str, Any], more: int
) -> None:
    folder = copied(models, "one", tmp_path)
    text = json.dumps(header).encode("utf-8", "backslashreplace")
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", min(len(text) + more, 2**64 - 1)) + text)
    asked(folder)


@cheap(2)
@given(st.data())
def test_values_in_a_tokenizer(tmp_path: Path, models: dict[str, Path], data: st.DataObject) -> None:
    folder = copied(models, "one", tmp_path)
    for file in data.draw(
        st.sampled_from((("tokenizer.json",), ("tokenizer_config.json",), ("tokenizer.json", "tokenizer_config.json")))
    ):
        right = json.loads((folder / file).read_text("utf-8"))
        whole = data.draw(edited(right))
        if isinstance(whole, dict) and data.draw(st.booleans()):
            part = data.draw(
                st.sampled_from(("normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation", "padding"))
            )
            whole[part] = data.draw(edited(right.get(part) or {"type": "Strip"}) | plain_values)
        (folder / file).write_text(json.dumps(whole), "utf-8")
    card = json.loads((folder / "compressor.json").read_text("utf-8"))
    (folder / "compressor.json").write_text(json.dumps({**card, "tokenizer_fingerprint": None}), "utf-8")
    asked(folder)


@given(edited(CARD) | plain_values)
@example({**CARD, "labels": 5})
@example({**CARD, "labels": "ab"})
@example({**CARD, "max_length": True})
@example({**CARD, "architecture": [1]})
@example({**CARD, "metrics": 3})
@example({**CARD, "dataset": ["a"]})
@example({**CARD, "budget_mb": "3"})
def test_card(tmp_path: Path, values: Any) -> None:
    (tmp_path / "compressor.json").write_text(json.dumps(values), "utf-8")
    with clear():
        card = read_card(tmp_path)
        assert card is not None and ModelCard.model_validate(card.model_dump(mode="json")) == card
        assert all(isinstance(label, str) for label in card.labels) and isinstance(card.metrics, dict)
        assert card.language is None or isinstance(card.language, Language)


@given(texts | st.sampled_from(("a/b", "..", "/", "/nowhere", "microsoft/codebert-base", "x" * 300, "a\0b", ".", "~")))
def test_name_of_a_base(base: str) -> None:
    reads_data_flow(base) if "\0" not in base else None
    with clear():
        find_encoder(base)
        raise AssertionError("there is no such model")


@cheap(2)
@given(st.one_of(*texts_like_code.values()) | texts.filter(str.strip), NAMES)
@example("\n", "one")
@example("/* a */", "flow")
@example("x" * 20_000, "flow")
def test_any_code(models: dict[str, Path], code: str, name: str) -> None:
    """Whatever the code: probabilities add up, and so do the scores of the lines."""
    try:
        code.encode()
    except UnicodeEncodeError:
        return
    model = LOADED.setdefault(name, load(models[name])) if name not in LOADED else LOADED[name]
    functions = (code,) * (2 if name == "pair" else 1)
    answer = predict_once(model, functions)
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    with clear():
        found = attribute(model, functions, most=100)
        assert [len(lines) for lines in found.lines] == [len(code.splitlines())] * len(functions)
        total = sum(score for lines in found.lines for score in lines if score is not None)
        difference = found.margin - found.baseline
        assert np.isclose(total, difference + found.missing, atol=1e-3) or not code.split()
        # As near as it is asked to come, unless it has used up what it may.
        assert abs(found.missing) <= TOLERANCE * max(1.0, abs(difference)) or found.gradients >= 100


LOADED: dict[str, Classifier] = {}


@cheap(4)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.integers(-1, 700))
@example(["\ud800"], 300)
@example([], 300)
def test_tokenizer_round_trip(functions: list[str], size: int) -> None:
    plain = [function for function in functions if function.isprintable() and function.isascii()]
    with clear():
        tokenizer = train_tokenizer(functions, size)
        assert len(tokenizer) <= size
        for function in plain:
            ids = tokenizer(function)["input_ids"]
            assert (ids[0], ids[-1]) == (0, 2)
            said = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            marked = any(token in function for token in ("<s>", "<pad>", "</s>", "<unk>"))
            assert marked or said == " ".join(function.lower().split())


def test_error_is_a_sentence() -> None:
    text = str(CompressorError("x" * 10**6))
    assert len(text) < 1300
