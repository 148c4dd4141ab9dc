"""Published students for tests: small ones in the authors' layout, and where the real ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import RobertaConfig, RobertaForSequenceClassification, RobertaModel

from compressor_core.architecture import Architecture
from compressor_core.paper import Encoder
from compressor_core.task import Task

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RELEASED = DATA / "released"
needs_released = pytest.mark.skipif(
    not RELEASED.is_dir(), reason=f"the published students and samples are not there: {DATA}"
)
HEADS = 4
TINY = Architecture(300, 16, 2, HEADS, 24)
CODES = ["int main(void)\n{\n\treturn 0;\n}", "static int Add(int a, int b) { return a + b; /* Sum */ }", "x = y;"]


def state_dict(encoder: Encoder, task: Task, architecture: Architecture = TINY) -> dict[str, Tensor]:
    """A freshly initialised student under the names that the authors' code gives its weights."""
    shape: dict[str, Any] = architecture.to_dict()
    config = RobertaConfig(  # type: ignore[call-arg]
        **shape,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        num_labels=2,
    )
    torch.manual_seed(0)
    whole = RobertaForSequenceClassification(config)
    parts: dict[str, nn.Module] = {"encoder": whole}
    if task is Task.CLONE:
        width = architecture.hidden_size
        head = nn.ModuleDict({"dense": nn.Linear(2 * width, width), "out_proj": nn.Linear(width, 2)})
        parts = {"encoder": RobertaModel(config) if encoder is Encoder.CODEBERT else whole, "classifier": head}
    state = dict(nn.ModuleDict(parts).state_dict())
    prefix = "encoder." if task is Task.CLONE and encoder is Encoder.CODEBERT else "encoder.roberta."
    return {f"{prefix}embeddings.position_ids": torch.arange(514)[None], **state}


def tokenizer(vocab_size: int = 300) -> Tokenizer:
    """A tokenizer as the authors' code trains and saves it."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        show_progress=False,
    )
    words = " ".join(f"name{number:x}" for number in range(2000))
    made.train_from_iterator([" ".join(code.split()) for code in CODES] + [words], trainer)
    return made


def write(
    folder: Path,
    encoder: Encoder = Encoder.CODEBERT,
    task: Task = Task.VULNERABILITY,
    architecture: Architecture = TINY,
) -> tuple[Path, Path]:
    """A checkpoint and its tokenizer in `folder`."""
    checkpoint, vocabulary = folder / f"{encoder}_{task}.bin", folder / "bpe.json"
    torch.save(state_dict(encoder, task, architecture), checkpoint)
    tokenizer(architecture.vocab_size).save(str(vocabulary))
    return checkpoint, vocabulary
