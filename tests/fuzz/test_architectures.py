"""Architectures, search spaces, and the settings of searches."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from compressor_core.architecture import GENES, LIMITS, Architecture, SearchSpace
from compressor_core.errors import CompressorError
from compressor_core.figures.words.forms import gene_text, gene_values
from compressor_core.latency_model import PARTS, LatencyModel
from compressor_core.search import SearchSettings, evolve
from compressor_core.search.replica import Replica, repeat, replica
from compressor_core.search.sweep import SweepSettings, budgets_between
from compressor_core.search.tradeoff import MeasuredStudent, TradeoffSettings
from tests.fuzz.guard import clear
from tests.fuzz.values import cheap, edited, numbers, plain_values, scalars, texts

SPACE: dict[str, Any] = {
    "vocab_size": [1000, 2000],
    "hidden_size": {"from": 16, "to": 64, "step": 16},
    "num_hidden_layers": [1, 2],
    "num_attention_heads": [1, 4],
    "intermediate_size": [32, 64],
}
LATENCY: dict[str, Any] = {
    "runtime": "onnxruntime",
    "task": "vulnerability",
    "pair_features": "compare",
    "vocab_sizes": [1000, 5000],
    "tokens": [300.0, 200.0],
    "squares": [1e5, 5e4],
    "prices": {part.name: 0.01 for part in PARTS},
}
SEARCH = SearchSettings(budget_mb=3.0, population=4, generations=2, space=SearchSpace.from_dict(SPACE))
REPLICA = replica(SEARCH, evolve(SEARCH)).model_dump(mode="json")


def small_genes() -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries(
        {gene: st.integers(low, min(high, 4 * low + 60)) for gene, (low, high) in LIMITS.items()}
    )


@given(st.dictionaries(st.sampled_from(GENES), numbers | scalars, max_size=5) | edited(dict.fromkeys(GENES, 8)))
def test_architecture_from_values(values: Any) -> None:
    with clear():
        found = Architecture.from_dict(values)
        assert Architecture.from_dict(found.to_dict()) == found == Architecture.parse(str(found))


@given(texts | st.lists(st.integers(-3, 2000).map(str) | texts, min_size=4, max_size=6).map(",".join))
@example("9" * 5000 + ",1,1,1,1")
def test_architecture_from_text(text: str) -> None:
    with clear():
        assert Architecture.parse(text) == Architecture.parse(str(Architecture.parse(text)))


@given(edited(SPACE) | plain_values)
@example({**SPACE, 1: [1], "more": [2]})
@example({**SPACE, "hidden_size": [16, [32]]})
@example({**SPACE, "hidden_size": list(range(70_000))})
def test_search_space(values: Any) -> None:
    with clear():
        space = SearchSpace.from_dict(values)
        assert SearchSpace.from_dict(space.to_dict()) == space
        assert space.contains(space.smallest())


@given(texts | st.lists(st.integers(), max_size=5).map(lambda them: ", ".join(map(str, them))))
@example("1" * 5000)
@example("1 to " + "9" * 5000 + " by 1")
@example("١ to ٣ by ١")
def test_values_of_a_gene(text: str) -> None:
    with clear():
        values = gene_values("Width", text)
        assert gene_values("Width", gene_text(values)) == values
        SearchSpace.from_dict({**SPACE, "hidden_size": values})


@given(edited(SEARCH.model_dump(mode="json")) | plain_values)
@example({"budget_mb": 3.0, "constraint": []})
@example({"budget_mb": "3"})
@example({"budget_mb": 3.0, "space": 5})
@example({"budget_mb": 3.0, "latency": {"prices": 1}})
def test_settings_of_a_search(values: Any) -> None:
    with clear():
        config = SearchSettings.model_validate(values)
        assert SearchSettings.model_validate(config.model_dump(mode="json")) == config


@given(edited(REPLICA) | plain_values)
def test_json_of_a_search(values: Any) -> None:
    with clear():
        Replica.model_validate(values)


@cheap(4)
@given(edited(REPLICA, 1))
def test_repeating_the_json_of_a_search(values: Any) -> None:
    with clear():
        known = Replica.model_validate(values)
        config = known.config
        if config.population * config.generations <= 100 and config.space.size <= 10_000:
            again = repeat(known)
            unchanged = config == SEARCH and values["trajectory"] == REPLICA["trajectory"]
            assert not unchanged or again.same or values["generations"] != REPLICA["generations"]


TRADEOFF = TradeoffSettings(space=SearchSpace.from_dict(SPACE), latency=LatencyModel.from_dict(LATENCY)).model_dump(
    mode="json"
)


@given(edited(TRADEOFF) | plain_values)
@example({**TRADEOFF, "objectives": 3})
@example({**TRADEOFF, "limits": [1]})
@example({**TRADEOFF, "students": [[]]})
def test_settings_of_a_tradeoff(values: Any) -> None:
    with clear():
        config = TradeoffSettings.model_validate(values)
        assert TradeoffSettings.model_validate(config.model_dump(mode="json")) == config


@given(edited({"architecture": "1000,96,12,8,64", "accuracy": 0.5, "dataset": "file", "run": None}) | plain_values)
def test_measured_student(values: Any) -> None:
    with clear():
        student = MeasuredStudent.model_validate(values)
        assert MeasuredStudent.model_validate(student.model_dump(mode="json")).architecture == student.architecture


SWEEP = SweepSettings(search=SEARCH, seeds=(0, 1)).model_dump(mode="json")


@given(edited(SWEEP) | edited({**SWEEP, "over": "budget", "budgets": [1.0, 2.0]}) | plain_values)
@example({**SWEEP, "seeds": [[]]})
@example({**SWEEP, "seeds": 3})
def test_settings_of_a_sweep(values: Any) -> None:
    with clear():
        config = SweepSettings.model_validate(values)
        assert SweepSettings.model_validate(config.model_dump(mode="json")) == config


@given(st.floats() | st.floats(0.1, 100), st.floats() | st.floats(0.1, 100), st.integers(-3, 300))
@example(5e-324, 1e9, 3)
def test_budgets_of_a_sweep(low: float, high: float, count: int) -> None:
    with clear():
        budgets = budgets_between(low, high, count)
        assert list(budgets) == sorted(set(budgets)) and all(budget > 0 for budget in budgets)


@given(edited(LATENCY) | plain_values)
@example({**LATENCY, "prices": 5})
@example({**LATENCY, "vocab_sizes": ["a"]})
@example({**LATENCY, "tokens": [[1], [2, 3]]})
@example({**LATENCY, "vocab_sizes": [1, 10**400]})
def test_latency_model(values: Any) -> None:
    from compressor_core.cost import Genes

    with clear():
        model = LatencyModel.from_dict(values)
        assert LatencyModel.from_dict(model.to_dict()) == model
        predicted = model.predict(Genes.of([Architecture(1000, 96, 12, 8, 64)]))
        assert (predicted >= 0).all()


@given(small_genes(), st.sampled_from(("vulnerability", "clone")), st.integers(-2, 600))
def test_cost_of_an_architecture(genes: dict[str, int], task: str, length: int) -> None:
    from compressor_core.cost import cost
    from compressor_core.task import PairFeatures, Task

    try:
        architecture = Architecture.from_dict(genes)
    except CompressorError:
        return
    with clear():
        found = cost(architecture, Task(task), PairFeatures.COMPARE, sequence_length=length)
        assert found.parameters > 0 and found.size_mb > 4 * found.parameters / 1e6
