"""The published students: what is read as the authors' code reads it, and what is refused in one sentence."""

from __future__ import annotations

import itertools
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer, RobertaConfig

from compressor_core.dataflow import extract
from compressor_core.errors import ArchitectureError, ModelError
from compressor_core.language import Language
from compressor_core.models.classifier import load
from compressor_core.models.released import import_released, read_released
from compressor_core.paper import Encoder
from compressor_core.task import Task
from tests import released

STRANGE = (
    "int  Main ( void )\n\n{\r\n\treturn\x0b0;\x1c}\x85\xa0/* ÄÖ\u2003İ 漢字 🗜 */\n",
    "\n \t",
    "x" * 3000,
    "// no newline\x00 NUL",
)


def authors_ids(tokenizer: Tokenizer, code: str, length: int = 400) -> list[int]:
    """The ids of one function as the authors' `DistilledDataset` makes them, without the padding."""
    ids = tokenizer.encode(" ".join(code.split())).ids[: length - 2]
    return [0, *ids, 2]


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("encoder", list(Encoder))
def test_a_student_comes_back_from_its_folder(tmp_path: Path, encoder: Encoder, task: Task) -> None:
    checkpoint, tokenizer = released.write(tmp_path, encoder, task)
    made = import_released(checkpoint, tokenizer, encoder, task, tmp_path / "student", heads=released.HEADS)
    again = load(tmp_path / "student")
    examples = [released.CODES[:2], released.CODES[1:]] if task is Task.CLONE else [[code] for code in released.CODES]
    inputs = [tuple(codes) for codes in examples]
    assert torch.equal(made.logits(inputs), again.logits(inputs))
    assert str(again.card.architecture) == "300,16,2,4,24"
    assert again.card.task is task and again.card.labels[1] in ("vulnerable", "clone")
    assert not any("position_ids" in name for name in made.model.state_dict())


def test_class_0_of_a_vulnerability_student_becomes_class_1(tmp_path: Path) -> None:
    checkpoint, tokenizer = released.write(tmp_path)
    student = read_released(checkpoint, tokenizer, Encoder.CODEBERT, Task.VULNERABILITY, heads=released.HEADS)
    state = torch.load(checkpoint, weights_only=True)
    out = student.model.get_parameter("classifier.out_proj.weight")
    assert torch.equal(out[1], state["encoder.classifier.out_proj.weight"][0])
    assert student.card.labels == ("safe", "vulnerable")


def test_a_vulnerability_student_needs_nothing_of_ours(tmp_path: Path) -> None:
    checkpoint, tokenizer = released.write(tmp_path)
    folder = tmp_path / "student"
    student = import_released(checkpoint, tokenizer, Encoder.CODEBERT, Task.VULNERABILITY, folder, heads=released.HEADS)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    inputs = AutoTokenizer.from_pretrained(folder)(released.CODES[0], return_tensors="pt")
    with torch.inference_mode():
        assert torch.allclose(model(**inputs).logits, student.logits([(released.CODES[0],)]), atol=1e-6)
    assert model.config.id2label == {0: "safe", 1: "vulnerable"}


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_teacher_of_which_one_output_is_trained_is_read_by_a_sigmoid(tmp_path: Path, outputs: int) -> None:
    checkpoint, tokenizer = released.write(tmp_path)
    state = torch.load(checkpoint, weights_only=True)
    for name, bias in (("weight", False), ("bias", True)):
        value = state[f"encoder.classifier.out_proj.{name}"]
        state[f"encoder.classifier.out_proj.{name}"] = torch.tensor([0.7, 0.0])[:outputs] if bias else value[:outputs]
    torch.save(state, checkpoint)
    teacher = read_released(checkpoint, tokenizer, Encoder.CODEBERT, Task.VULNERABILITY, heads=released.HEADS)
    out: Any = teacher.model.get_submodule("classifier.out_proj")
    assert torch.equal(out.weight[1], state["encoder.classifier.out_proj.weight"][0]) and not out.weight[0].any()
    logits = teacher.logits([(code,) for code in released.CODES])
    assert torch.allclose(torch.softmax(logits, -1)[:, 1], torch.sigmoid(logits[:, 1])) and not logits[:, 0].any()


@pytest.mark.parametrize("encoder", list(Encoder))
def test_the_clone_head_reads_bare_first_states(tmp_path: Path, encoder: Encoder) -> None:
    """The authors' head, written out by hand over the authors' own names."""
    checkpoint, tokenizer = released.write(tmp_path, encoder, Task.CLONE)
    student = read_released(checkpoint, tokenizer, encoder, Task.CLONE, heads=released.HEADS)
    state = torch.load(checkpoint, weights_only=True)
    inside: Any = student.model.get_submodule("encoder")
    rows = []
    with torch.inference_mode():
        for code in released.CODES[:2]:
            ids = torch.tensor([authors_ids(released.tokenizer(), code)])
            rows.append(inside(input_ids=ids).last_hidden_state[:, 0])
        joined = torch.cat(rows, -1)
        hidden = torch.tanh(joined @ state["classifier.dense.weight"].T + state["classifier.dense.bias"])
        logits = hidden @ state["classifier.out_proj.weight"].T + state["classifier.out_proj.bias"]
        said = student.model.compare(*rows)  # type: ignore[operator]
    assert torch.allclose(said, logits, atol=1e-6)
    if encoder is Encoder.CODEBERT:
        assert torch.allclose(student.logits([(released.CODES[0], released.CODES[1])]), logits, atol=1e-5)
    assert (inside.pooler is None) == (encoder is Encoder.GRAPHCODEBERT)


def test_the_tokenizer_file_gives_the_authors_ids(tmp_path: Path) -> None:
    checkpoint, tokenizer = released.write(tmp_path)
    import_released(checkpoint, tokenizer, Encoder.CODEBERT, Task.VULNERABILITY, tmp_path / "s", heads=released.HEADS)
    ours = AutoTokenizer.from_pretrained(tmp_path / "s")
    for code in (*released.CODES, *STRANGE):
        ids = ours(code, truncation=True, max_length=400)["input_ids"]
        assert ids == authors_ids(Tokenizer.from_file(str(tokenizer)), code), code


class TestRefused:
    """Each with one sentence that names the file."""

    def refuse(self, checkpoint: Path, tokenizer: Path, says: str, **more: Any) -> None:
        asked = {"encoder": Encoder.CODEBERT, "task": Task.VULNERABILITY, "heads": released.HEADS, **more}
        with pytest.raises(ModelError, match=says) as refused:
            read_released(checkpoint, tokenizer, **asked)
        assert checkpoint.name in str(refused.value) or tokenizer.name in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_absent_files(self, tmp_path: Path) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        self.refuse(tmp_path / "none.bin", tokenizer, "There is no checkpoint")
        self.refuse(checkpoint, tmp_path / "none.json", "There is no tokenizer")

    def test_code_in_the_pickle_is_not_run(self, tmp_path: Path) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        torch.save({"encoder": _Evil(tmp_path / "ran")}, checkpoint)
        self.refuse(checkpoint, tokenizer, "was not loaded")
        checkpoint.write_bytes(pickle.dumps(_Evil(tmp_path / "ran")))
        self.refuse(checkpoint, tokenizer, "was not loaded")
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            *(
                (b"", "is empty: download it again"),
                (b"not a checkpoint", r"is a text \('not a checkpoint'\), .* again"),
            ),
            (b'{"json": 1}', r"is a text \('{\"json\": 1}'\), .* again"),
            *((start, "state dict|no PyTorch checkpoint") for start in (b"PK\x03\x04 half a zip", b"\x80\x02}q\x00.")),
        ],
    )
    def test_no_checkpoint_at_all(self, tmp_path: Path, content: bytes, says: str) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        checkpoint.write_bytes(content)
        self.refuse(checkpoint, tokenizer, says)

    def test_a_truncated_checkpoint(self, tmp_path: Path) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
        self.refuse(checkpoint, tokenizer, "damaged")

    def test_tensors_that_are_no_state_dict(self, tmp_path: Path) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        torch.save(torch.zeros(3), checkpoint)
        self.refuse(checkpoint, tokenizer, "holds a Tensor, no state dict")
        torch.save({"model": {"w": torch.zeros(1)}, "epoch": 3}, checkpoint)
        self.refuse(checkpoint, tokenizer, "no plain state dict")

    def test_a_model_of_another_kind(self, tmp_path: Path) -> None:
        """The BiLSTM baseline, say."""
        checkpoint, tokenizer = released.write(tmp_path)
        torch.save({"embedding.weight": torch.zeros(300, 8), "lstm.weight_ih_l0": torch.zeros(4, 8)}, checkpoint)
        self.refuse(checkpoint, tokenizer, "is no published student")

    def test_the_other_task(self, tmp_path: Path) -> None:
        clone, tokenizer = released.write(tmp_path, Encoder.CODEBERT, Task.CLONE)
        self.refuse(clone, tokenizer, "reads two functions.* choose the task clone")
        vulnerability, tokenizer = released.write(tmp_path, Encoder.GRAPHCODEBERT, Task.VULNERABILITY)
        self.refuse(vulnerability, tokenizer, "reads one function.* choose the task vulnerability", task=Task.CLONE)

    def test_the_other_teacher(self, tmp_path: Path) -> None:
        clone, tokenizer = released.write(tmp_path, Encoder.GRAPHCODEBERT, Task.CLONE)
        self.refuse(clone, tokenizer, "clone students of GraphCodeBERT.* the teacher graph", task=Task.CLONE)

    def test_heads_that_nobody_published(self, tmp_path: Path) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        self.refuse(checkpoint, tokenizer, "say it with --heads", heads=None)
        with pytest.raises(ArchitectureError, match="does not divide"):
            read_released(checkpoint, tokenizer, Encoder.CODEBERT, Task.VULNERABILITY, heads=3)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda state: state.pop("encoder.classifier.dense.bias"), "lacks classifier.dense.bias"),
            (lambda state: state.pop("encoder.roberta.encoder.layer.0.intermediate.dense.weight"), "first layer"),
            (lambda state: state.update({"encoder.total_ops": torch.zeros(1)}), "no published student has: total_ops"),
            (
                lambda state: state.update({"encoder.classifier.out_proj.bias": torch.zeros(3)}),
                r"has the shape \(3,\) where \(2,\) is wanted: classifier.out_proj.bias",
            ),
            (
                lambda state: state.update({"encoder.classifier.out_proj.bias": torch.tensor([0, torch.nan])}),
                "no finite numbers: classifier.out_proj.bias",
            ),
        ],
    )
    def test_weights_that_do_not_fit(
        self, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object], says: str
    ) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        state = torch.load(checkpoint, weights_only=True)
        change(state)
        torch.save(state, checkpoint)
        self.refuse(checkpoint, tokenizer, says)

    def test_another_vocabulary(self, tmp_path: Path) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        released.tokenizer(320).save(str(tokenizer))
        self.refuse(checkpoint, tokenizer, "knows 320 tokens and the weights are for 300")

    @pytest.mark.parametrize("content", [b"{}", b"not json", b"\xff\xfe", b"[1]", b'{"model": {"type": "BPE"}}'])
    def test_a_broken_tokenizer(self, tmp_path: Path, content: bytes) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        tokenizer.write_bytes(content)
        self.refuse(checkpoint, tokenizer, "no tokenizer that can be read")

    def test_two_tokens_of_one_number(self, tmp_path: Path) -> None:
        """The library reads them, and no longer after it has written them."""
        checkpoint, tokenizer = released.write(tmp_path)
        values = json.loads(tokenizer.read_text("utf-8"))
        vocabulary, merges = values["model"]["vocab"], values["model"]["merges"]
        # Whichever of the two it writes for the number, one of these makes no token that there is.
        (one, _), (other, _) = next(
            (first, second)
            for first, second in itertools.permutations(merges, 2)
            if second[0] + first[1] not in vocabulary and first[0] + second[1] not in vocabulary
        )
        vocabulary[one] = vocabulary[other]
        tokenizer.write_text(json.dumps(values), "utf-8")
        self.refuse(checkpoint, tokenizer, "no tokenizer that can be read")

    def test_a_tokenizer_of_another_kind(self, tmp_path: Path) -> None:
        checkpoint, tokenizer = released.write(tmp_path)
        values = json.loads(tokenizer.read_text("utf-8"))
        tokenizer.write_text(json.dumps({**values, "pre_tokenizer": {"type": "Whitespace"}}), "utf-8")
        self.refuse(checkpoint, tokenizer, "no byte-level BPE")
        vocabulary = values["model"]["vocab"]
        vocabulary["<s>"], vocabulary["</s>"] = vocabulary["</s>"], vocabulary["<s>"]
        tokenizer.write_text(json.dumps({**values, "added_tokens": []}), "utf-8")
        self.refuse(checkpoint, tokenizer, "it is not the tokenizer of a published student")


@released.needs_released
@pytest.mark.parametrize("task", list(Task))
def test_the_published_tokenizers_give_the_authors_ids(tmp_path: Path, task: Task) -> None:
    checkpoint = released.RELEASED / f"codebert_{task}_3mb.bin"
    tokenizer = released.RELEASED / f"{task}_bpe_1000.json"
    student = import_released(checkpoint, tokenizer, Encoder.CODEBERT, task, tmp_path / "student")
    assert student.parameters == (756_098 if task is Task.VULNERABILITY else 774_626)
    source = "devign/sample.jsonl" if task is Task.VULNERABILITY else "bigclonebench/data.jsonl"
    lines = (released.DATA / source).read_text("utf-8").splitlines()[:400]
    codes = [*(json.loads(line)["func"] for line in lines), *STRANGE]
    authors = Tokenizer.from_file(str(tokenizer))
    ours = AutoTokenizer.from_pretrained(tmp_path / "student")(codes, truncation=True, max_length=400)["input_ids"]
    assert ours == [authors_ids(authors, code) for code in codes]


def test_the_config_says_what_the_weights_were_trained_with(tmp_path: Path) -> None:
    checkpoint, tokenizer = released.write(tmp_path)
    folder = tmp_path / "student"
    import_released(checkpoint, tokenizer, Encoder.CODEBERT, Task.VULNERABILITY, folder, heads=released.HEADS)
    config = RobertaConfig.from_pretrained(folder)
    assert (config.layer_norm_eps, config.hidden_act, config.max_position_embeddings) == (1e-5, "gelu", 514)
    assert (config.pad_token_id, config.type_vocab_size, config.num_attention_heads) == (1, 1, released.HEADS)


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


STRINGS = [
    'void f() { log("copy: " + name + "  two  blanks "); }',
    'void f() { String s = " "; String t = "   "; print("" + s + t); }',
    "void f(int a) { throw new E(\"  leading\" + a + \"trailing\\n \" + ' ' + 'a'); }",
    'String f() { return "tab\\t and \\"quotes\\" in " + "it"; }',
    "char f(char c) { /* \"no string\" */ return c == ' ' ? '_' : c; } // end",
    'void f() { a("don\'t", "I\'ll", "x\'s  "); }',
    'void f() { url = "http://host/ path ?q=" + q + " & r "; }',
    "void f() { sql(\"select * from t where a = '\" + a + \"' and b = ' '\"); }",
    'void f() { x("é ü ", "  ", " é"); }',
    'void f() { for (int i = 0; i < 3; i++) out.println(" " + i + ": " + v[i]); }',
    'void f() { String[] all = {"a ", " b", " c ", ""}; join(all, ", "); }',
    "void f() { " + "".join(f'log("step {n}: " + v{n}); ' for n in range(120)) + "}",
]
"""Functions whose strings have blanks at their edges, only blanks, or many of them; the last is too long."""


@pytest.mark.parametrize("code", STRINGS)
def test_strings_beside_data_flow_keep_their_blanks_token_id_by_token_id(tmp_path: Path, code: str) -> None:
    """Against the released loop (GraphCodeBERT/clone_detection/compressor/distill.py, `get_example`), written anew."""
    checkpoint, path = released.write(tmp_path, Encoder.GRAPHCODEBERT, Task.CLONE)
    student = import_released(
        checkpoint, path, Encoder.GRAPHCODEBERT, Task.CLONE, tmp_path / "student", heads=released.HEADS
    )
    flow, authors = extract(code, Language.JAVA), Tokenizer.from_file(str(path))
    ids = [id for token in flow.tokens for id in authors.encode(token.text).ids]
    ids = ids[: 384 + 128 - 3 - min(len(flow.nodes), 128)][: 512 - 3]
    (function,) = load(tmp_path / "student").encode([(code, code)])[0][:1]
    assert function.ids == [0, *ids, 2]
    assert function.graph is not None
    assert len(function.graph.spans) == len(flow.nodes[: 384 + 128 - len(ids) - 2])
    assert student.encode([(code, code)])[0][0] == function
