"""What forms show and read."""

from __future__ import annotations

import csv
import io

import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.errors import ArchitectureError
from compressor_core.figures.words.forms import csv_text, duration, gene_text, gene_values, minutes, state_text
from compressor_core.runs import State


def test_minutes_of_what_has_not_begun_are_rough() -> None:
    assert [minutes(seconds) for seconds in (9.0, 250.0, 3 * 3600.0)] == ["1 minute", "4 minutes", "3 hours"]


def test_a_space_survives_its_form() -> None:
    for space in (SearchSpace.paper(), SearchSpace.classroom()):
        texts = {gene: gene_text(values) for gene, values in space.to_dict().items()}
        assert SearchSpace.from_dict({gene: gene_values(gene, text) for gene, text in texts.items()}) == space


@pytest.mark.parametrize("text", ["", "many", "1 to", "1, two", "1;2"])
def test_what_is_no_list_of_numbers_is_named(text: str) -> None:
    with pytest.raises(ArchitectureError, match=r"Width cannot be .* 16 to 768 by 16"):
        gene_values("Width", text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.44, "0.4 s"), (12.4, "12 s"), (59.9, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_every_state_has_a_sign() -> None:
    assert not [state for state in State if state_text(state).startswith("?")]


def test_rows_as_csv() -> None:
    assert csv_text([]) == ""
    assert csv_text([{"a": 1, "b": "x, y"}, {"a": 2, "b": ""}]) == 'a,b\n1,"x, y"\n2,\n'


def test_no_cell_of_a_csv_is_a_formula() -> None:
    cells = ["=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r=1", "a = b", -1.5, "-1"]
    rows = list(csv.reader(io.StringIO(csv_text([{"cell": cell} for cell in cells]), newline="")))
    assert [cell for (cell,) in rows[1:]] == [*(f"'{cell}" for cell in cells[:5]), "'\n=1", "a = b", "-1.5", "-1"]
