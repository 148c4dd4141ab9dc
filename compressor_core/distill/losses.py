"""Training objectives: pure functions of what a model says and what it should have said."""

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


def pooled_state_distance(student_states: Tensor, teacher_states: Tensor) -> Tensor:
    """Mean squared error of the student's projected pooled states, mean over batch and width.

    Both (batch, width), `width` being twice the teacher's: two states an example. TinyBERT's loss of hidden states
    (Jiao et al., Findings of EMNLP 2020, Equation 8), for states of whole functions in the place of one of each token:
    the tokenizers of teacher and student cut code differently.
    """
    return F.mse_loss(student_states, teacher_states)


def masked_token_loss(logits: Tensor, tokens: Tensor, owners: Tensor, batch: int) -> Tensor:
    """Cross-entropy of masked tokens: mean over those of one function, then over the functions of the batch.

    logits (masked, vocabulary), tokens (masked,) as they were, owners (masked,) the function 0 … batch−1 that each
    stands in. The masked-language objective (Devlin et al., NAACL 2019, Section 3.1); every function counts the same,
    so that a batch that is learned in parts has the loss of the whole.
    """
    counts = owners.bincount(minlength=batch).clamp(min=1)
    each = F.cross_entropy(logits, tokens, reduction="none")
    return (each / counts[owners]).sum() / batch
