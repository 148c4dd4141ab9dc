"""A student begins with its teacher's token embeddings, or with a part of all its weights."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from compressor_core.architecture import Architecture
from compressor_core.errors import ModelError
from compressor_core.models.classifier import Classifier
from compressor_core.models.inheritance import inherit_embeddings, inherit_layers
from compressor_core.models.pair import whole_model
from compressor_core.models.teacher import from_scratch
from compressor_core.progress import finish
from compressor_core.task import PairFeatures, Task

TEXTS = [
    f"def run_{name}({name}):\n    return open({name}).read()" for name in ("path", "query", "token", "user", "host")
]
CODES: dict[Task, list[tuple[str, ...]]] = {
    Task.VULNERABILITY: [(code,) for code in TEXTS],
    Task.CLONE: list(pairwise(TEXTS)),
}


def model(task: Task, *genes: int, features: PairFeatures = PairFeatures.COMPARE, seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    made = from_scratch(Architecture(*genes), TEXTS, task, ("safe", "vulnerable"), 64, features, None)
    with torch.no_grad():  # as after a training: no bias is 0, no gain is 1
        for name, value in made.model.named_parameters():
            value.add_(torch.randn_like(value) * (0.3 if name.endswith("bias") or "LayerNorm" in name else 0.1))
    made.model.eval()
    return made


def logits(classifier: Classifier) -> torch.Tensor:
    return finish(classifier.predicting(CODES[classifier.card.task], 8))


def layers(classifier: Classifier) -> Any:
    encoder: Any = whole_model(classifier.model).base_model
    return encoder.encoder.layer


def weights(classifier: Classifier) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in classifier.model.state_dict().items()}


@pytest.mark.parametrize("inherit", [inherit_embeddings, inherit_layers])
@pytest.mark.parametrize("task", Task)
def test_tokens_that_are_alike_to_the_teacher_are_alike_to_the_student(task: Task, inherit: Any) -> None:
    teacher, student = model(task, 400, 32, 1, 2, 16), model(task, 320, 16, 1, 2, 16, seed=1)
    its, own = (
        next(value for name, value in each.model.named_parameters() if "word_embeddings" in name)
        for each in (teacher, student)
    )
    first, second = (teacher.tokenizer.get_vocab()[token] for token in ("(", ")"))
    with torch.no_grad():
        its[first] = its[second] = torch.linspace(-0.1, 0.1, 32)
    before = own.detach().clone()
    inherit(student, teacher)
    one, other = (own[student.tokenizer.get_vocab()[token]] for token in ("(", ")"))
    assert torch.equal(one, other) and not torch.allclose(own, before)
    if inherit is inherit_embeddings:
        assert torch.isclose(own.square().mean(), before.square().mean(), rtol=0.2)


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("features", PairFeatures)
def test_a_student_of_its_teachers_shape_answers_as_its_teacher(task: Task, features: PairFeatures) -> None:
    teacher, student = (model(task, 320, 32, 3, 4, 48, features=features, seed=seed) for seed in (0, 1))
    assert not torch.allclose(logits(student), logits(teacher), atol=0.01)
    inherit_layers(student, teacher)
    torch.testing.assert_close(logits(student), logits(teacher), atol=1e-4, rtol=1e-4)


def test_what_the_teacher_does_not_use_is_what_goes() -> None:
    """Half of the width, of the neurons and of each head is of no use: without it the answers are the same."""
    teacher, student = (
        model(Task.VULNERABILITY, 320, 32, 2, 2, 48),
        model(Task.VULNERABILITY, 320, 16, 2, 2, 24, seed=1),
    )
    random = torch.Generator().manual_seed(3)
    unused = {width: torch.randperm(width, generator=random)[width // 2 :] for width in (32, 48)}
    with torch.no_grad():
        for name, value in teacher.model.named_parameters():
            if "classifier.out_proj.bias" in name:
                continue
            if value.shape[-1] in unused and not name.endswith(("query.bias", "key.bias", "value.bias")):
                value[..., unused[value.shape[-1]]] = 0
            if value.dim() == 2 and "embeddings" not in name and len(value) in unused and "self" not in name:
                value[unused[len(value)]] = 0
        for layer in layers(teacher):
            for part in (layer.attention.self.query, layer.attention.self.key, layer.attention.self.value):
                for head in part.weight.view(2, 16, 32):
                    head[8:] = 0  # what is left has rank 8
                part.bias.view(2, 16)[:, 8:] = 0
    own = whole_model(student.model).base_model.state_dict()
    inherit_layers(student, teacher)
    its = whole_model(teacher.model).base_model.state_dict()
    kept = torch.tensor([place for place in range(32) if place not in unused[32].tolist()])
    neurons = set(range(48)) - set(unused[48].tolist())
    for place in range(2):
        prefix = f"encoder.layer.{place}."
        assert torch.equal(own[f"{prefix}output.LayerNorm.bias"], its[f"{prefix}output.LayerNorm.bias"][kept])
        found = own[f"{prefix}intermediate.dense.bias"].sort().values
        assert torch.equal(found, its[f"{prefix}intermediate.dense.bias"][sorted(neurons)].sort().values)
        for head in range(2):
            mine, rows = slice(head * 8, head * 8 + 8), slice(head * 16, head * 16 + 16)
            query, key = (
                [each[f"{prefix}attention.self.{name}.weight"] for name in ("query", "key")] for each in (own, its)
            )
            product = query[0][mine].T @ query[1][mine] / 8**0.5
            whole = (key[0][rows].T @ key[1][rows] / 16**0.5)[kept][:, kept]
            torch.testing.assert_close(product, whole, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("genes", [(320, 16, 1, 1, 8), (320, 24, 5, 8, 200), (320, 32, 2, 1, 16), (320, 30, 4, 5, 8)])
@pytest.mark.parametrize("task", Task)
def test_every_shape_that_is_not_wider_inherits_finite_weights(task: Task, genes: tuple[int, ...]) -> None:
    teacher, student = model(task, 400, 32, 3, 4, 48), model(task, *genes, seed=1)
    before = weights(student)
    inherit_layers(student, teacher)
    after = weights(student)
    assert all(value.isfinite().all() for value in after.values())
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed >= {name for name in after if "layer.0" in name or "position_embeddings" in name}
    assert logits(student).isfinite().all()


def test_a_wider_student_and_another_encoder_take_no_layers_but_the_embeddings() -> None:
    narrow, student = model(Task.VULNERABILITY, 400, 16, 1, 2, 16), model(Task.VULNERABILITY, 320, 32, 1, 2, 16, seed=1)
    bert = model(Task.VULNERABILITY, 400, 32, 1, 2, 16)
    bert.model = BertForSequenceClassification(
        BertConfig(vocab_size=400, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    )
    for teacher in (narrow, bert):
        before = weights(student)
        assert not inherit_layers(student, teacher)
        assert all(torch.equal(value, before[name]) for name, value in weights(student).items())
        assert inherit_embeddings(student, teacher)
        after = weights(student)
        changed = [name for name in after if not torch.equal(after[name], before[name])]
        assert changed == ["roberta.embeddings.word_embeddings.weight"]


def test_a_head_of_other_features_stays_as_it_is() -> None:
    teacher = model(Task.CLONE, 400, 32, 1, 2, 16, features=PairFeatures.CONCAT)
    student = model(Task.CLONE, 320, 16, 1, 2, 16, seed=1)
    before = weights(student)
    inherit_layers(student, teacher)
    assert torch.equal(student.model.state_dict()["dense.weight"], before["dense.weight"])


def test_weights_that_overflow_are_refused() -> None:
    teacher, student = (
        model(Task.VULNERABILITY, 400, 32, 1, 2, 16),
        model(Task.VULNERABILITY, 320, 16, 1, 2, 16, seed=1),
    )
    with torch.no_grad():
        layers(teacher)[0].intermediate.dense.weight[0] = 1e30
    with pytest.raises(ModelError, match="weights up to 1e\\+30"):
        inherit_layers(student, teacher)
