"""The base of all settings: what is checked, what an error says, and how settings are written and read."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pydantic
import pytest
from pydantic import AfterValidator, Field, model_validator

from compressor_core.errors import BudgetError, CompressorError, SettingsError
from compressor_core.settings import (
    MOST_THREADS,
    Count,
    Flag,
    NotNegative,
    PathText,
    Positive,
    Seed,
    Settings,
    Share,
    Threads,
    Whole,
    default_of,
    description_of,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def even(value: int) -> int:
    if value % 2:
        raise ValueError(f"it must be even, not {value}: take {value + 1}")
    return value


class Part(Settings):
    title: ClassVar[str] = "a part"

    width: Count = 1


class Painting(Settings):
    title: ClassVar[str] = "a painting"

    budget: Positive = Field(description="What it may cost, in MB")
    steps: Count = Field(3, description="How often the brush is dipped")
    patience: Whole = 0
    seed: Seed = 0
    share: Share = 0.5
    weight: NotNegative = 0.0
    threads: Threads | None = None
    loud: Flag = False
    colour: Colour = Colour.RED
    frame: Literal["wood", "steel"] = "wood"
    out: PathText | None = None
    names: tuple[str, ...] = ()
    sizes: tuple[Positive, ...] = ()
    rate: Annotated[float, Field(gt=0, lt=1)] = 0.1
    price: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    depth: Annotated[int, Field(le=9)] = 1
    pairs: Annotated[int, AfterValidator(even)] = 2
    part: Part = Part()

    @model_validator(mode="after")
    def _together(self) -> Painting:
        if self.colour is Colour.BLUE and self.frame == "steel":
            raise ValueError("a blue painting has no steel frame: choose wood")
        if self.budget > 1000:
            raise BudgetError(f"nothing costs {self.budget:g} MB: give less")
        return self


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"budget": 0.0}, "budget must be a number above 0, not 0.0"),
    ({"budget": "3"}, "budget must be a number above 0, not '3'"),
    ({"budget": float("nan")}, "budget must be a number above 0, not nan"),
    ({"budget": None}, "budget must be a number above 0, not None"),
    ({"steps": 0}, "steps must be a whole number from 1, not 0"),
    ({"steps": 1.5}, "steps must be a whole number from 1, not 1.5"),
    ({"steps": True}, "steps must be a whole number from 1, not True"),
    ({"patience": -1}, "patience must be a whole number from 0, not -1"),
    ({"seed": 2**32}, f"seed must be a whole number from 0 to {2**32 - 1:,}, not {2**32}"),
    ({"share": 1.1}, "share must be a number from 0 to 1, not 1.1"),
    ({"weight": float("inf")}, "weight must be a number from 0, not inf"),
    ({"threads": 0}, f"threads must be a whole number from 1 to {MOST_THREADS:,}, not 0"),
    ({"loud": 1}, "loud must be true or false, not 1"),
    ({"colour": "green"}, "colour must be red or blue, not 'green'"),
    ({"frame": "gold"}, "frame must be wood or steel, not 'gold'"),
    ({"out": 3}, "out must be a text, not 3"),
    ({"names": "one"}, "names must be a list of which each is a text, not 'one'"),
    ({"rate": 1}, "rate must be a number above 0 and below 1, not 1"),
    ({"price": 0}, "price must be a number above 0 and up to 1,000,000, not 0"),
    ({"depth": 10}, "depth must be a whole number up to 9, not 10"),
    ({"pairs": 3}, "pairs: it must be even, not 3: take 4"),
    ({"part": 3}, "part must be a name and a value for each of its settings, not 3"),
    ({"colour": "blue", "frame": "steel"}, "a blue painting has no steel frame: choose wood"),
]


@pytest.mark.parametrize(("values", "sentence"), ERRORS, ids=[str(values) for values, _ in ERRORS])
def test_an_error_is_one_sentence_with_value_and_remedy(values: dict[str, Any], sentence: str) -> None:
    for make in (
        lambda: Painting(**{"budget": 3.0, **values}),
        lambda: Painting.model_validate({"budget": 3.0, **values}),
    ):
        with pytest.raises(SettingsError) as caught:
            make()  # type: ignore[no-untyped-call]
        assert str(caught.value) == sentence


def test_an_unknown_setting_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(
        SettingsError, match=r"^there is no setting 'bugdet' of a painting: choose from budget, steps, "
    ):
        Painting.model_validate({"budget": 3.0, "bugdet": 3})


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^a painting needs budget: give it$"):
        Painting.model_validate({})


@pytest.mark.parametrize("values", [None, 3, "budget", ["budget"]])
def test_what_is_no_object_is_no_settings(values: Any) -> None:
    with pytest.raises(
        SettingsError, match=r"^a painting cannot be read from .*: give a name and a value for each of "
    ):
        Painting.model_validate(values)


def test_an_error_within_a_list_names_the_setting() -> None:
    with pytest.raises(SettingsError, match=r"^sizes must be a list of which each is a number above 0, not -1\.0$"):
        Painting(budget=3.0, sizes=(1.0, -1.0))


def test_an_error_within_a_part_is_the_parts_own() -> None:
    with pytest.raises(SettingsError, match=r"^width must be a whole number from 1, not 0$"):
        Painting.model_validate({"budget": 3.0, "part": {"width": 0}})


def test_an_error_of_the_program_passes_as_it_is() -> None:
    with pytest.raises(BudgetError, match=r"^nothing costs 2000 MB: give less$"):
        Painting(budget=2000.0)


def test_no_error_of_the_library_gets_out() -> None:
    for values, _ in ERRORS:
        try:
            Painting.model_validate({"budget": 3.0, **values})
        except pydantic.ValidationError:  # pragma: no cover
            pytest.fail(str(values))
        except CompressorError:
            pass


def test_settings_are_frozen() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Painting(budget=3.0).budget = 4.0  # type: ignore[misc]
    assert len({Painting(budget=3.0), Painting(budget=3.0), Painting(budget=4.0)}) == 2


def test_replace_changes_some_and_checks_all() -> None:
    painting = Painting(budget=3.0, seed=7)
    changed = painting.replace(budget=4.0, colour="blue")
    assert (changed.budget, changed.seed, changed.colour) == (4.0, 7, Colour.BLUE)
    assert painting.budget == 3.0
    with pytest.raises(SettingsError, match=r"^steps must be a whole number from 1, not 0$"):
        painting.replace(steps=0)
    with pytest.raises(SettingsError, match=r"^there is no setting 'width'"):
        painting.replace(width=3)


def test_a_path_is_as_good_as_its_text() -> None:
    assert Painting(budget=3.0, out=Path("a/b")).out == Painting(budget=3.0, out="a/b").out == str(Path("a/b"))


def test_written_as_json_and_read_back() -> None:
    painting = Painting(budget=3, colour="blue", out=Path("x"), names=("a", "b"), part=Part(width=2))
    values = json.loads(json.dumps(painting.model_dump(mode="json")))
    assert values["colour"] == "blue" and values["names"] == ["a", "b"] and values["part"] == {"width": 2}
    assert Painting.model_validate(values) == painting


def test_a_field_says_its_default_and_its_help() -> None:
    assert default_of(Painting, "steps") == 3
    assert description_of(Painting, "steps") == "How often the brush is dipped"
    assert description_of(Painting, "patience") == ""
    assert Painting.model_json_schema()["properties"]["steps"]["description"] == "How often the brush is dipped"
