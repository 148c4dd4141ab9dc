"""Data flow as a model reads it, against the definitions of GraphCodeBERT written down a second time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.dataflow import extract
from compressor_core.errors import ModelError
from compressor_core.language import Language
from compressor_core.models import graph
from compressor_core.models.card import DATA_FLOW_NODES, ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.inference import forward
from compressor_core.models.inputs import FunctionInput, GraphInput
from compressor_core.models.student import build
from compressor_core.task import PairFeatures, Task

C = """int sum(int *values, int count) {
    int total = 0; /* so far */
    for (int i = 0; i < count; i++)
        total += values[i];
    return total;
}"""
JAVA = 'String join(String a, String b) { String both = a + ", é" + b; return both; }'
NONE = "return;"
CODES = [C, NONE, C.replace("total", "accumulated_value"), "int f(int x) { int y = x; return y; }"]
ARCHITECTURE = Architecture(420, 16, 2, 2, 16)
PAD = 1


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return train_tokenizer([*CODES, JAVA] * 10, 420)


def model_of(task: Task = Task.VULNERABILITY, features: PairFeatures = PairFeatures.COMPARE) -> Any:
    torch.manual_seed(0)
    model = build(ARCHITECTURE, task, features).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # so that every part of the input makes a difference
    return model


def allowed(function: FunctionInput, row: int, column: int) -> bool:
    """The graph-guided mask as the paper has it, one cell at a time."""
    assert function.graph is not None
    code = len(function.ids)
    if row >= len(function) or column >= len(function):
        return False
    if row in (0, code - 1) or (row < code and column < code):
        return True
    if row >= code and column >= code:
        node = row - code
        alone = function.graph.spans[node] == (0, 0) and node not in {a for a, _ in function.graph.edges}
        return (node, column - code) in function.graph.edges or (alone and row == column)
    node, token = (row, column) if row >= code else (column, row)
    first, stop = function.graph.spans[node - code]
    return first <= token < stop


@pytest.mark.parametrize(("code", "language"), [(C, Language.C), (JAVA, Language.JAVA)])
def test_nodes_stand_at_their_variables(tokenizer: Any, code: str, language: Language) -> None:
    (function,) = graph.encode(tokenizer, [code], language, 100)
    flow = extract(code, language)
    assert function.graph is not None and len(function.graph.spans) == len(flow.nodes) > 3
    for node, (first, stop) in zip(flow.nodes, function.graph.spans, strict=True):
        assert tokenizer.decode(function.ids[first:stop]).strip() == node.name.lower()
    edges = {(i, edge.source) for i, node in enumerate(flow.nodes) for edge in node.edges}
    assert set(function.graph.edges) == edges
    assert (function.ids[0], function.ids[-1]) == (0, 2)
    assert len(function) == len(function.ids) + len(flow.nodes)


def test_tokens_are_read_one_by_one_with_a_leading_blank(tokenizer: Any) -> None:
    """Tokenizing the joined text gives what the published code gets by tokenizing '@ ' + token and cutting the '@'."""
    at, blank = tokenizer("@", add_special_tokens=False)["input_ids"], "@ "
    for code, language in ((C, Language.C), (JAVA, Language.JAVA)):
        one_by_one: list[int] = []
        for index, token in enumerate(extract(code, language).tokens):
            ids = tokenizer(token.text if index == 0 else blank + token.text, add_special_tokens=False)["input_ids"]
            one_by_one += ids if index == 0 else ids[len(at) :]
        (function,) = graph.encode(tokenizer, [code], language, 384)
        assert function.ids[1:-1] == one_by_one
        assert graph.text_of(code, language) == " ".join(t.text for t in extract(code, language).tokens)


def test_the_batch_is_what_the_paper_says(tokenizer: Any) -> None:
    functions = graph.encode(tokenizer, CODES, Language.C, 100)
    words = torch.nn.Embedding(420, 5)
    batch = graph.batch(words, functions, PAD)
    mask, embedded = batch.arguments["attention_mask"], batch.arguments["inputs_embeds"]
    length = max(map(len, functions))
    assert mask.shape == (4, 1, length, length) and mask.is_floating_point()
    for row, function in enumerate(functions):
        assert function.graph is not None
        code, nodes = len(function.ids), len(function.graph.spans)
        padding = length - code - nodes
        positions = [*range(2, 2 + code), *[0] * nodes, *[PAD] * padding]
        assert batch.arguments["position_ids"][row].tolist() == positions
        assert batch.code[row].tolist() == [1] * code + [0] * (nodes + padding)
        wanted = [[allowed(function, i, j) for j in range(length)] for i in range(length)]
        assert (mask[row, 0] == 0).tolist() == wanted
        assert torch.equal(embedded[row, :code], words(torch.tensor(function.ids)))
        for node, (first, stop) in enumerate(function.graph.spans):
            mean = words(torch.tensor(function.ids[first:stop])).mean(0)
            assert torch.allclose(embedded[row, code + node], mean, atol=1e-6)


@pytest.mark.parametrize("task", list(Task))
def test_eager_and_sdpa_alone_and_padded_agree(tokenizer: Any, task: Task) -> None:
    model = model_of(task)
    functions = graph.encode(tokenizer, CODES, Language.C, 100)
    inputs: list[Any] = [(f,) for f in functions] if task is Task.VULNERABILITY else list(pairwise(functions))
    transformer = model if task is Task.VULNERABILITY else model.encoder
    with torch.inference_mode():
        transformer.set_attn_implementation("sdpa")
        together = forward(model, inputs, PAD)
        alone = torch.cat([forward(model, [one], PAD) for one in inputs])
        transformer.set_attn_implementation("eager")
        eager = forward(model, inputs, PAD)
    assert torch.allclose(together, alone, atol=1e-4)
    assert torch.allclose(together, eager, atol=1e-4)


def test_every_part_of_the_graph_reaches_the_model(tokenizer: Any) -> None:
    model = model_of()
    (function,) = graph.encode(tokenizer, [C], Language.C, 100)
    assert function.graph is not None
    spans, edges = function.graph.spans, function.graph.edges
    variants = [
        function,
        FunctionInput(function.ids, GraphInput(spans, edges[1:])),
        FunctionInput(function.ids, GraphInput((spans[1], *spans[1:]), edges)),
        FunctionInput(function.ids),
    ]
    with torch.inference_mode():
        logits = [forward(model, [(variant,)], PAD) for variant in variants]
    for a in range(4):
        for b in range(a):
            assert not torch.allclose(logits[a], logits[b], atol=1e-5), (a, b)


def test_without_nodes_it_is_the_plain_model(tokenizer: Any) -> None:
    """In a batch of its own, which takes the plain way, and beside a function with nodes, which does not."""
    model = model_of()
    plain, flowing = graph.encode(tokenizer, [NONE, C], Language.C, 100)
    assert plain.graph is not None and not plain.graph.spans
    with torch.inference_mode():
        alone = forward(model, [(FunctionInput(plain.ids),)], PAD)[0]
        assert torch.allclose(forward(model, [(plain,)], PAD)[0], alone, atol=1e-5)
        assert torch.allclose(forward(model, [(flowing,), (plain,)], PAD)[1], alone, atol=1e-5)


def test_what_does_not_fit_is_cut(tokenizer: Any) -> None:
    body = " ".join(f"int v{i} = v{i - 1} + v{i - 2};" for i in range(2, 120))
    long = f"void f(int v0, int v1) {{ {body} }}"
    for max_length in (50, 100, 384):
        (function,) = graph.encode(tokenizer, [long], Language.C, max_length)
        assert function.graph is not None
        # The released code leaves one place more to the nodes than it counts for them.
        assert len(function.ids) == max_length - 1 and function.ids[-1] == 2
        assert len(function) == max_length + DATA_FLOW_NODES
        assert len(function.graph.spans) == DATA_FLOW_NODES + 1
        assert all(
            0 < first < stop <= max_length - 1 or (first, stop) == (0, 0) for first, stop in function.graph.spans
        )
        assert all(max(edge) < len(function.graph.spans) for edge in function.graph.edges)
    assert graph.encode(tokenizer, [""], Language.C, 50)[0].ids == [0, 2]
    # Code may have what few nodes leave free.
    (function,) = graph.encode(tokenizer, ["int f(int x) { int y = x; " + "g(); " * 99 + "}"], Language.C, 100)
    assert function.graph is not None
    assert len(function.ids) + len(function.graph.spans) == 100 + DATA_FLOW_NODES - 1


def test_nodes_of_code_that_was_cut_off(tokenizer: Any) -> None:
    """They are zeros that no code token attends to, and how much is padded makes no difference to them."""
    body = " ".join(f"int v{i} = v{i - 1} + v{i - 2};" for i in range(2, 60))
    long, short = graph.encode(tokenizer, [f"void f(int v0, int v1) {{ {body} }}", C], Language.C, 40)
    assert long.graph is not None
    spans, edges = long.graph.spans, long.graph.edges
    cut = spans.index((0, 0))
    assert cut > 3 and set(spans[cut:]) == {(0, 0)}
    # Without its edges, the first of them has nothing left to attend to.
    long = FunctionInput(long.ids, GraphInput(spans, tuple(edge for edge in edges if edge[0] != cut)))
    batch = graph.batch(torch.nn.Embedding(420, 5), [long], PAD)
    mask = batch.arguments["attention_mask"][0, 0] == 0
    length, code = len(long), len(long.ids)
    assert mask.tolist() == [[allowed(long, i, j) for j in range(length)] for i in range(length)]
    assert mask[code + cut].nonzero().tolist() == [[code + cut]]
    assert not batch.arguments["inputs_embeds"][0, code + cut :].any()

    model = model_of()
    longer = FunctionInput([*short.ids[:-1], *[5] * 200, 2], short.graph)
    with torch.inference_mode():
        alone, padded = forward(model, [(long,)], PAD), forward(model, [(long,), (longer,)], PAD)
    assert torch.allclose(alone[0], padded[0], atol=1e-4)


def test_half_precision_stays_finite(tokenizer: Any) -> None:
    model = model_of()
    inputs = [(f,) for f in graph.encode(tokenizer, CODES, Language.C, 100)]
    with torch.inference_mode():
        exact = forward(model, inputs, PAD)
        with torch.autocast("cpu", torch.bfloat16):
            half = forward(model, inputs, PAD).float()
    assert torch.isfinite(half).all()
    assert torch.allclose(half, exact, rtol=0.2, atol=0.2 * float(exact.abs().max()))


def test_a_function_is_extracted_once_in_a_process(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(code: str, language: Language) -> Any:
        calls.append(code)
        return extract(code, language)

    monkeypatch.setattr(graph, "extract", counted)
    codes = [f"int f{i}(int x) {{ return x; }}" for i in range(3)]
    first = graph.encode(tokenizer, codes, Language.C, 100)
    assert graph.encode(tokenizer, codes, Language.C, 100) == first
    assert calls == codes


@pytest.mark.parametrize("task", list(Task))
def test_folders_remember_the_data_flow(tokenizer: Any, tmp_path: Path, task: Task) -> None:
    pair = PairFeatures.COMPARE if task is Task.CLONE else None
    card = ModelCard(
        task=task,
        labels=("no", "yes"),
        max_length=100,
        architecture=ARCHITECTURE,
        pair_features=pair,
        data_flow=Language.C,
    )
    model = Classifier(model_of(task), tokenizer, card)
    examples = [(C,), (NONE,)] if task is Task.VULNERABILITY else [(C, NONE), (C, CODES[2])]
    expected = model.logits(examples)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.card.data_flow is Language.C
    assert torch.equal(again.logits(examples), expected)
    model.card = ModelCard(
        task=task, labels=("no", "yes"), max_length=100, architecture=ARCHITECTURE, pair_features=pair
    )
    assert not torch.allclose(model.logits(examples), expected, atol=1e-3)
    if task is Task.VULNERABILITY:
        AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")


def test_positions_must_hold_code_and_nodes() -> None:
    with pytest.raises(ModelError, match="at most 384 tokens"):
        ModelCard(task=Task.CLONE, labels=("a", "b"), max_length=400, data_flow=Language.JAVA)
