"""Every class of record goes through JSON and comes back as it was."""

from __future__ import annotations

import inspect
import json
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compressor_core import records
from compressor_core.architecture import Architecture
from compressor_core.latency_model import PARTS, LatencyModel, Lengths, Runtime
from compressor_core.records import Generation, Individual, Optimum, Progress, Record, read_record, record_classes
from compressor_core.task import PairFeatures, Task

Calibrated = records.CalibrationSummary
CLASSES = tuple(record_classes().values())

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(
    LatencyModel,
    st.builds(
        LatencyModel,
        st.sampled_from(Runtime),
        st.sampled_from(Task),
        st.sampled_from(PairFeatures),
        st.just(Lengths((300, 1000), (90.0, 70.0), (9e3, 6e3))),
        st.tuples(*[st.floats(0, 1e3)] * len(PARTS)),
    ),
)
st.register_type_strategy(object, st.none() | st.integers() | st.text(max_size=5))  # a field of type Any


def any_of(record: type[Record]) -> st.SearchStrategy[Record]:
    """Records of one class with all of their fields."""
    kinds: dict[str, Any] = {
        name: Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        for name, field in record.model_fields.items()
        if name != "type"
    }
    fields = {name: st.from_type(kind) for name, kind in kinds.items() if name != "models" or record is not Calibrated}
    fields |= {"models": st.dictionaries(st.text(), st.from_type(LatencyModel))} if record is Calibrated else {}
    return st.builds(record, **fields)


def through_json(record: Record) -> Record | None:
    return read_record(json.loads(json.dumps(record.model_dump(mode="json", exclude_none=True), allow_nan=False)))


@pytest.mark.parametrize("record", CLASSES, ids=lambda record: record.__name__)
def test_a_record_comes_back_from_json_as_it_was(record: type[Record]) -> None:
    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(any_of(record))
    def check(one: Record) -> None:
        assert through_json(one) == one

    check()


def test_every_class_is_read_under_a_type_of_its_own() -> None:
    written = {
        one
        for _, one in inspect.getmembers(records, inspect.isclass)
        if issubclass(one, Record) and "Literal" in str(one.__annotations__.get("type", ""))
    }
    assert written == set(CLASSES)
    types = [record.model_fields["type"].default for record in CLASSES]
    assert len(set(types)) == len(types)


def test_every_class_says_what_it_is() -> None:
    assert not [record.__name__ for record in CLASSES if not record.__doc__ or record.__doc__ == Record.__doc__]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"type": "no such type"},
        {"type": "progress"},
        {"type": "progress", "message": 3},
        {"type": "generation", "generation": 1, "individuals": [{}], "diversity": 0.5, "evaluations": 1},
        {"message": "a record without a type"},
    ],
)
def test_what_is_damaged_or_unknown_is_none(values: dict[str, Any]) -> None:
    assert read_record(values) is None


def test_an_unknown_field_is_ignored_and_what_is_none_is_not_written() -> None:
    record = read_record({"type": "progress", "message": "Loading", "colour": "red", "time": 1.5})
    assert record == Progress(message="Loading", time=1.5)
    assert record.model_dump(mode="json", exclude_none=True) == {"type": "progress", "message": "Loading", "time": 1.5}
    assert record.plain() == {"message": "Loading"}


def test_a_record_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Progress(message="Loading").message = "Done"  # type: ignore[misc]


def test_an_individual_is_an_architecture_with_its_cost() -> None:
    genes = dict(zip(("vocab_size", "hidden_size", "num_hidden_layers"), (1000, 16, 12), strict=True))
    one = Individual(
        **genes,
        num_attention_heads=8,
        intermediate_size=32,
        size_mb=0.5,
        paper_gflops=0.1,
        parameters=1000,
        fitness=0.1,
        feasible=True,
        id=0,
        parents=(),
    )
    assert one.architecture == Architecture(1000, 16, 12, 8, 32) and one.short_form == "1000,16,12,8,32"
    generation = Generation(generation=0, individuals=(one,), best=one, diversity=0.0, evaluations=1)
    assert through_json(generation) == generation
    assert through_json(Optimum(candidate=one)) == Optimum(candidate=records.Candidate(**dict(one)))
