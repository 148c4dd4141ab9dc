"""Training objectives: pure functions of logits and targets."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy, over both logits. Shapes: logits (batch, classes), labels (batch,) of class numbers."""
    return F.cross_entropy(logits, labels)


def soft_label_divergence(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """T² · KL(teacher ‖ student) of the softened distributions, mean over the batch.

    Both (batch, classes). The factor T² keeps the size of the gradient the same at every temperature
    (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, Section 2); Compressor uses this loss
    alone, on unlabelled code (ASE 2022, Section 3.3).
    """
    student = F.log_softmax(student_logits / temperature, dim=-1)
    teacher = F.log_softmax(teacher_logits / temperature, dim=-1)
    return temperature**2 * F.kl_div(student, teacher, reduction="batchmean", log_target=True)
