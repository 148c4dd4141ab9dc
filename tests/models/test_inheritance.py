"""A student begins with its teacher's token embeddings."""

from __future__ import annotations

import torch

from compressor_core.architecture import Architecture
from compressor_core.models.inheritance import inherit_embeddings
from compressor_core.models.teacher import from_scratch
from compressor_core.task import PairFeatures, Task

TEXTS = [
    f"def run_{name}({name}):\n    return open({name}).read()" for name in ("path", "query", "token", "user", "host")
]


def test_tokens_that_are_alike_to_the_teacher_are_alike_to_the_student() -> None:
    for task in Task:
        torch.manual_seed(0)
        labels = ("safe", "vulnerable")
        teacher = from_scratch(Architecture(400, 32, 1, 2, 16), TEXTS, task, labels, 64, PairFeatures.COMPARE, None)
        student = from_scratch(Architecture(320, 16, 1, 2, 16), TEXTS, task, labels, 64, PairFeatures.COMPARE, None)
        its, own = (
            next(value for name, value in model.model.named_parameters() if "word_embeddings" in name)
            for model in (teacher, student)
        )
        first, second = (teacher.tokenizer.get_vocab()[token] for token in ("(", ")"))
        with torch.no_grad():
            its[first] = its[second] = torch.linspace(-0.1, 0.1, 32)
        before = own.detach().clone()
        inherit_embeddings(student, teacher)
        one, other = (own[student.tokenizer.get_vocab()[token]] for token in ("(", ")"))
        assert torch.equal(one, other) and not torch.allclose(own, before)
        assert torch.isclose(own.square().mean(), before.square().mean(), rtol=0.2)
