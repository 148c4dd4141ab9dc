"""The closed forms against models that are really built, saved and run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import thop
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers.models.roberta.modeling_roberta import RobertaSelfAttention

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import (
    Genes,
    cost,
    file_bytes,
    forward_flops,
    paper_flops,
    paper_parameters,
    parameters,
)
from compressor_core.errors import ArchitectureError
from compressor_core.models.student import build
from compressor_core.task import PairFeatures, Task

PAPER_3_MB = Architecture(1000, 96, 12, 8, 64)
# Widths, depths and vocabularies on both sides of a power of ten: their digits are part of the file's size.
SHAPES = ["1000,96,12,8,64", "260,8,1,1,8", "999,104,3,4,96", "3000,16,11,2,1024"]
HEADS = [
    (Task.VULNERABILITY, PairFeatures.COMPARE),
    (Task.CLONE, PairFeatures.COMPARE),
    (Task.CLONE, PairFeatures.CONCAT),
]


def test_known_figures() -> None:
    paper = cost(PAPER_3_MB)
    assert paper.parameters == 756_098
    assert paper.forward_gflops * 1e9 == 1_209_158_016
    assert paper.bytes == 3_047_368
    assert paper.size_mb == 3.047368
    assert cost(PAPER_3_MB, Task.CLONE, PairFeatures.CONCAT).parameters == 774_626


def test_the_papers_account_term_by_term() -> None:
    """The sum as it stands in the released code, one term per operation, against the grouped formulas."""
    s = 514
    for text in SHAPES:
        v, h, n, a, i = (int(part) for part in text.split(","))
        layer = [
            *(6 * h * h, 3 * h, 2 * h * s, 5 * s * a, 4 * s * a, s * a, 2 * h * s, 2 * h * h, h, 4 * h, h, 5),
            *(2 * h * i, 8 * i, i, 2 * h * i, h, 4 * h, h, 5 * h),
        ]
        embeddings = [2 * h * v, 2 * h * (s + 2), 2 * h, 5 * h, 4 * h]
        head = [2 * h * h, h, 12 * h, 2 * h]
        genes = Genes.of([Architecture.parse(text)])
        assert paper_flops(genes)[0] == s * (n * sum(layer) + sum(embeddings) + sum(head))
        weights = 4 * (h * h + h) + 2 * h * i + i + h + 4 * h
        assert paper_parameters(genes)[0] == (v * h + s * h + 3 * h + n * weights + 2 * (h * h + h) + 2 * h + 2)


@pytest.mark.parametrize("text", SHAPES)
@pytest.mark.parametrize(("task", "pair_features"), HEADS)
def test_parameters_and_bytes_are_those_of_the_saved_model(
    text: str, task: Task, pair_features: PairFeatures, tmp_path: Path
) -> None:
    architecture = Architecture.parse(text)
    model: Any = build(architecture, task, pair_features)
    if task is Task.VULNERABILITY:
        model.save_pretrained(tmp_path)
    else:
        save_file(model.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    expected = cost(architecture, task, pair_features)
    assert expected.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert expected.bytes == (tmp_path / "model.safetensors").stat().st_size


@pytest.mark.parametrize("text", SHAPES[:3])
@pytest.mark.parametrize(("task", "pair_features"), HEADS)
def test_forward_flops_are_those_pytorch_counts(text: str, task: Task, pair_features: PairFeatures) -> None:
    architecture = Architecture.parse(text)
    model: Any = build(architecture, task, pair_features).eval()
    # The counter does not see the fused attention kernel of the CPU.
    (model if task is Task.VULNERABILITY else model.encoder).set_attn_implementation("eager")
    length = 100
    function = torch.full((1, length), 3), torch.ones(1, length, dtype=torch.long)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        if task is Task.VULNERABILITY:
            model(*function)
        else:
            model(function, function)
    assert cost(architecture, task, pair_features, length).forward_gflops * 1e9 == counter.get_total_flops()


def test_forward_flops_are_those_of_thop_completed() -> None:
    """thop knows no attention products and counts norms: custom operations put both right."""

    def attention(module: Any, _: Any, output: Any) -> None:
        _, length, width = output[0].shape
        module.total_ops += torch.DoubleTensor([3 * length * width**2 + 2 * length**2 * width])

    def nothing(module: nn.Module, _: Any, __: Any) -> None:
        pass

    length = 50
    inputs = torch.full((1, length), 3), torch.ones(1, length, dtype=torch.long)
    model = build(PAPER_3_MB).eval()
    operations = {RobertaSelfAttention: attention, nn.LayerNorm: nothing}
    multiply_adds, _ = thop.profile(model, inputs, custom_ops=operations, verbose=False)
    assert 2 * multiply_adds == cost(PAPER_3_MB, sequence_length=length).forward_gflops * 1e9


def test_arrays_broadcast_and_agree_with_single_architectures() -> None:
    vocab = np.array([1000, 9000]).reshape(2, 1)
    width, layers, heads, intermediate = (np.array([[each]]) for each in (96, 12, 8, 64))
    genes = Genes(vocab, width, layers, heads, np.array([[32, 64, 1024]]))
    assert file_bytes(genes, Task.VULNERABILITY, PairFeatures.COMPARE).shape == (2, 3)
    for row, v in enumerate((1000, 9000)):
        for column, i in enumerate((32, 64, 1024)):
            single = cost(Architecture(v, 96, 12, 8, i))
            assert file_bytes(genes, Task.VULNERABILITY, PairFeatures.COMPARE)[row, column] == single.bytes
            assert paper_flops(genes)[row, column] / 1e9 == single.paper_gflops
    assert intermediate.dtype == np.int64


def test_no_size_falls_when_a_gene_grows() -> None:
    """What the search relies on where it looks for the largest value that fits."""
    space = SearchSpace.paper()
    for task, pair_features in HEADS:
        for gene in ("vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size"):
            genes = Genes.of([Architecture(**{**PAPER_3_MB.to_dict(), gene: value}) for value in getattr(space, gene)])
            assert (np.diff(parameters(genes, task, pair_features)) > 0).all()
            assert (np.diff(file_bytes(genes, task, pair_features)) > 0).all()
            assert (np.diff(paper_parameters(genes)) > 0).all()


@pytest.mark.parametrize("length", [0, -1, 513, 1.5, True])
def test_a_sequence_that_does_not_fit_the_positions_is_refused(length: Any) -> None:
    with pytest.raises(ArchitectureError, match="sequence_length"):
        cost(PAPER_3_MB, sequence_length=length)


def test_the_largest_legal_architecture_does_not_overflow() -> None:
    largest = Architecture(1_000_000, 16_384, 256, 1_024, 65_536)
    genes = Genes.of([largest])
    for task, pair_features in HEADS:
        assert 0 < forward_flops(genes, 512, task, pair_features)[0] < 2**63 - 1
    v, h, n, i = 1_000_000, 16_384, 256, 65_536
    layer = 4 * (h * h + h) + 2 * h * i + i + h + 4 * h
    assert cost(largest).parameters == (v + 515) * h + 2 * h + n * layer + h * h + h + 2 * h + 2
