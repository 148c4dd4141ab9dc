"""Lines that an answer rests on: completeness, a model whose scores are known, and where tokens stand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError
from compressor_core.evaluate.attribution import attribute, line_scores
from compressor_core.language import Language
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier
from compressor_core.models.student import build
from compressor_core.records import Attribution
from compressor_core.task import PairFeatures, Task

PLANTED = "def f(path):\n    name = open(path)\n\n    İstanbul = 'naïve 漢字'\n    eval(name)\n    return name\n"
OTHER = "def g(a):\n    b = a + 1\n    while b:\n        b -= a\n    return b\n"
C = "int f(int a) {\n  /* all of it */\n  int b = a;\n  while (b) b -= a;\n  return b;\n}\n"


def real(task: Task = Task.VULNERABILITY, features: PairFeatures = PairFeatures.COMPARE, **card: Any) -> Classifier:
    """A small model of the real kind, with weights large enough that its answer is far from linear."""
    torch.manual_seed(3)
    model = build(Architecture(400, 16, 2, 2, 32), task, features).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.6)
    pairs = features if task is Task.CLONE else None
    return Classifier(
        model, tokenizer(), ModelCard(task=task, labels=("no", "yes"), max_length=64, pair_features=pairs, **card)
    )


def tokenizer() -> Any:
    return train_tokenizer([PLANTED, OTHER, C], 400)


class BagOfWords(nn.Module):
    """Logits that are a sum over tokens: the score of each token is its weight, by construction."""

    def __init__(self, weights: dict[int, float], size: int) -> None:
        super().__init__()
        self.words = nn.Embedding(size, 2)
        with torch.no_grad():
            self.words.weight.fill_(0.25)
            for token, weight in weights.items():
                self.words.weight[token] = torch.tensor([0.0, weight])

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, inputs_embeds: Any = None
    ) -> Any:
        return SimpleNamespace(logits=(self.words(input_ids) if inputs_embeds is None else inputs_embeds).sum(1))


def total(found: Attribution) -> float:
    return sum(score or 0.0 for lines in found.lines for score in lines)


@pytest.mark.parametrize(
    ("model", "codes"),
    [
        (real(), (PLANTED,)),
        (real(Task.CLONE), (PLANTED, OTHER)),
        (real(Task.CLONE, PairFeatures.CONCAT), (OTHER, OTHER.replace("a", "z"))),
        (real(data_flow=Language.C), (C,)),
        (real(Task.CLONE, data_flow=Language.PYTHON), (PLANTED, OTHER)),
    ],
    ids=["functions", "pairs", "the paper's pairs", "data flow", "pairs with data flow"],
)
def test_the_scores_add_up_to_the_margin(model: Classifier, codes: tuple[str, ...]) -> None:
    logits = model.logits([codes])[0]
    found = attribute(model, codes)
    assert found.label == model.card.labels[int(logits.argmax())]
    assert found.margin == pytest.approx(float(logits.max() - logits.min()), abs=1e-4)
    gained = found.margin - found.baseline
    assert abs(found.missing) <= 0.02 * max(1.0, abs(gained))
    assert total(found) == pytest.approx(gained + found.missing, abs=1e-4)
    assert [len(lines) for lines in found.lines] == [len(code.splitlines()) for code in codes]
    assert any(abs(score or 0) > 0.01 for lines in found.lines for score in lines)


def test_more_gradients_come_nearer() -> None:
    model = real()
    first = attribute(model, (PLANTED,), most=0)
    exact = attribute(model, (PLANTED,), tolerance=1e-4, most=4_000)
    assert exact.gradients > first.gradients
    assert abs(exact.missing) < 1e-3 and abs(exact.missing) <= abs(first.missing)


def test_the_line_of_a_token_that_decides_has_the_highest_score() -> None:
    words = tokenizer()
    encoded = words(PLANTED, return_offsets_mapping=True)
    ids, places = encoded["input_ids"], [start for start, _ in encoded["offset_mapping"]]
    decisive, against = (ids[places.index(PLANTED.index(word), 1)] for word in ("eval", "naïve"))
    assert ids.count(decisive) == ids.count(against) == 1
    model = Classifier(
        BagOfWords({decisive: 7.0, against: -2.0}, len(words)),
        words,
        ModelCard(task=Task.VULNERABILITY, labels=("no", "yes"), max_length=64),
    )
    found = attribute(model, (PLANTED,))
    assert found.label == "yes" and found.missing == pytest.approx(0, abs=1e-4)
    assert found.lines[0][4] == pytest.approx(7.0, abs=1e-4)
    assert found.lines[0][3] == pytest.approx(-2.0, abs=1e-4)
    assert [score for at, score in enumerate(found.lines[0]) if at not in (3, 4)] == pytest.approx([0.0] * 4, abs=1e-5)


def test_lines_behind_the_last_token_are_not_read() -> None:
    model = real()
    long = PLANTED + "".join(f"    name = name + {number}\n" for number in range(60)) + "\n    eval(name)\n"
    (lines,) = attribute(model, (long,), most=0).lines
    assert len(lines) == 68
    assert lines[66] == 0.0, "a blank line"
    read = [score is not None for score in lines]
    assert all(read[:7]) and not any(read[30:66]) and not read[67]


def test_a_model_with_data_flow_reads_no_comments() -> None:
    (lines,) = attribute(real(data_flow=Language.C), (C,), most=0).lines
    assert lines[1] is None and all(score is not None for at, score in enumerate(lines) if at != 1)


def test_scores_by_line() -> None:
    code = "ab\n\n  # c\r\nd\x0ce"
    assert line_scores(code, [0, 1, 12, 14], [1.0, 2.0, 4.0, 8.0]) == (3.0, 0.0, None, 4.0, 8.0)
    assert line_scores("", [], []) == ()


def test_a_tokenizer_without_places_is_one_sentence() -> None:
    model: Any = real()
    encoded = model.encode([("x",)])
    model.encode = lambda examples: encoded
    model.tokenizer = SimpleNamespace(is_fast=False, pad_token_id=1)
    with pytest.raises(ModelError, match="tokenizer does not say where its tokens stand"):
        attribute(model, ("x",))
