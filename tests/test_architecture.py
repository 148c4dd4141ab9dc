"""Architectures and search spaces: what is legal, and the forms they are written in."""

from __future__ import annotations

import json

import pytest

from compressor_core.architecture import GENES, Architecture, ArchitectureField, SearchSpace, SpaceField
from compressor_core.errors import ArchitectureError
from compressor_core.search.pick import Pick
from compressor_core.settings import Settings

PAPER_3_MB = Architecture(1000, 96, 12, 8, 64)


def test_the_short_form_round_trips() -> None:
    assert str(PAPER_3_MB) == "1000,96,12,8,64"
    assert Architecture.parse("1000,96,12,8,64") == PAPER_3_MB
    assert Architecture.parse(" 1000, 96, 12, 8, 64 ") == PAPER_3_MB


def test_the_dictionary_round_trips_and_a_record_with_more_in_it_will_do() -> None:
    assert Architecture.from_dict(PAPER_3_MB.to_dict()) == PAPER_3_MB
    assert Architecture.from_dict({**PAPER_3_MB.to_dict(), "id": 3, "fitness": 2.2}) == PAPER_3_MB
    assert tuple(PAPER_3_MB.to_dict()) == GENES


def test_architectures_are_ordered_by_their_genes() -> None:
    assert Architecture(1000, 96, 11, 8, 64) < PAPER_3_MB < Architecture(2000, 16, 1, 1, 32)


@pytest.mark.parametrize(
    "text",
    ["", "1000,96,12,8", "1000,96,12,8,64,1", "1000,96,twelve,8,64", "1000;96;12;8;64", "1e3,96,12,8,64"],
)
def test_a_malformed_short_form_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ArchitectureError, match=r"five whole numbers, V,H,L,A,I .*such as 1000,96,12,8,64"):
        Architecture.parse(text)


def test_heads_that_do_not_divide_the_width_are_refused_with_the_remedy() -> None:
    with pytest.raises(ArchitectureError, match=r"heads 7 does not divide hidden_size 96: .* such as 6"):
        Architecture(1000, 96, 12, 7, 64)


@pytest.mark.parametrize("gene", GENES)
@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True, None, 10**9])
def test_an_impossible_gene_is_refused_by_name(gene: str, value: object) -> None:
    with pytest.raises(ArchitectureError, match=f"{gene} must be a whole number from"):
        Architecture.from_dict({**PAPER_3_MB.to_dict(), gene: value})


def test_a_missing_gene_is_named() -> None:
    with pytest.raises(ArchitectureError, match="lacks hidden_size, intermediate_size"):
        Architecture.from_dict({"vocab_size": 1000, "num_hidden_layers": 1, "num_attention_heads": 1})


def test_the_papers_space_is_the_released_one() -> None:
    space = SearchSpace.paper()
    assert space.size == 10_944_000
    assert space.contains(PAPER_3_MB)
    assert not space.contains(Architecture(6000, 480, 6, 16, 576))  # the published 50 MB one has 16 heads
    assert str(space.smallest()) == "1000,16,1,1,32"


def test_spaces_round_trip_compactly() -> None:
    space = SearchSpace.paper()
    text = json.dumps(space.to_dict())
    assert len(text) < 400
    assert SearchSpace.from_dict(json.loads(text)) == space


def test_values_are_sorted_and_repetitions_dropped() -> None:
    space = SearchSpace((2000, 1000, 1000), (64,), (2, 1), (4, 2), (32,))
    assert space.vocab_size == (1000, 2000)
    assert space.num_hidden_layers == (1, 2)
    assert space.size == 2 * 1 * 2 * 2 * 1


def test_heads_that_do_not_divide_a_width_are_no_part_of_the_space() -> None:
    space = SearchSpace((1000,), (40, 48, 50), (1, 2), (5, 6), (32,))
    assert [space.heads_for(width) for width in space.hidden_size] == [(5,), (6,), (5,)]
    assert space.size == 3 * 2
    assert space.smallest() == Architecture(1000, 40, 1, 5, 32)


SMALL = {
    "vocab_size": [1000],
    "hidden_size": [96],
    "num_hidden_layers": [1, 2],
    "num_attention_heads": [8],
    "intermediate_size": {"from": 32, "to": 70, "step": 32},
}


def test_a_range_includes_its_end_only_if_a_step_lands_on_it() -> None:
    assert SearchSpace.from_dict(SMALL).intermediate_size == (32, 64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocab_size": []}, "no value for vocab_size"),
        ({"vocab_size": "1000"}, "'1000' for vocab_size"),
        ({"vocab_size": 1000}, "1000 for vocab_size"),
        ({"vocab_size": [1000.0]}, "vocab_size must be a whole number"),
        ({"intermediate_size": {"from": 32, "to": 64}}, "for intermediate_size: give it as"),
        ({"intermediate_size": {"from": 32, "to": 64, "step": 0}}, "step 0 for intermediate_size"),
        ({"intermediate_size": {"from": 64, "to": 32, "step": 32}}, "no value for intermediate_size"),
        ({"intermediate_size": {"from": 32, "to": 10**12, "step": 1}}, "intermediate_size must be a whole"),
        ({"num_attention_heads": [7]}, r"num_attention_heads \(7,\) divides any hidden_size"),
        ({"dropout": [0.1]}, r"unknown genes \['dropout'\]"),
        ({"vocab_size": {"from": 1, "to": 900_000, "step": 1}}, "vocab_size must be a whole number from 5"),
        (
            {"vocab_size": {"from": 5, "to": 900_000, "step": 1}, "num_hidden_layers": list(range(1, 99))},
            "larger steps",
        ),
    ],
)
def test_an_impossible_space_is_refused_with_the_remedy(change: dict[str, object], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        SearchSpace.from_dict({**SMALL, **change})


def test_a_space_lacking_a_gene_is_refused() -> None:
    with pytest.raises(ArchitectureError, match=r"lacks \['hidden_size'"):
        SearchSpace.from_dict({"vocab_size": [1000]})


class Drawn(Settings):
    architecture: ArchitectureField = PAPER_3_MB
    space: SpaceField = SearchSpace.paper()
    other: ArchitectureField | None = None


def test_a_field_reads_every_form_and_writes_the_short_one() -> None:
    for form in (PAPER_3_MB, "1000,96,12,8,64", PAPER_3_MB.to_dict()):
        assert Drawn(architecture=form).architecture == PAPER_3_MB
    written = Drawn(other=PAPER_3_MB, space="classroom").model_dump(mode="json")
    assert written["architecture"] == written["other"] == "1000,96,12,8,64"
    assert Drawn.model_validate(json.loads(json.dumps(written))).space == SearchSpace.classroom()


@pytest.mark.parametrize("wrong", [{"architecture": "1,2"}, {"architecture": 5}, {"other": []}, {"space": "papers"}])
def test_a_field_refuses_in_one_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(ArchitectureError, match=r"five whole numbers|choose classroom or paper"):
        Drawn.model_validate(wrong)


def test_a_space_knows_its_name() -> None:
    assert (SearchSpace.paper().name, str(SearchSpace.classroom())) == ("paper", "classroom")
    assert SearchSpace.from_dict(SMALL).name is None


def test_a_pick_round_trips_with_its_provenance() -> None:
    pick = Pick(architecture=PAPER_3_MB, budget_mb=3, search_run="a-search", space="paper")
    assert Pick.model_validate(pick.model_dump(mode="json")) == pick
