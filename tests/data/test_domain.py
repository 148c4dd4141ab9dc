"""What a model says that it was made for."""

from __future__ import annotations

from compressor_core.data.domain import domain


def test_weaknesses_are_counted_and_named() -> None:
    known = domain("classroom-vulnerability")
    assert known is not None and f"Python, these {len(known.weaknesses)} weaknesses" in known.sentence
    assert any(name.startswith("CWE-89 ") for name in known.weaknesses)
    assert len(set(known.weaknesses)) == len(known.weaknesses) >= 30


def test_other_data() -> None:
    clone, c = domain("classroom-clone"), domain("devign")
    assert clone is not None and clone.sentence.startswith("Python, clones of types 1 to 3;")
    assert c is not None and c.sentence.startswith("C, as in Devign") and not c.weaknesses
    assert domain("file") is domain("nothing") is domain(None) is None
