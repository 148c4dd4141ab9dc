from __future__ import annotations

from pages.parts.pace import GONE, LEAST, MOST, SHARE, Pace


def test_few_visitors_see_every_second_and_many_less_often() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.every() == LEAST
    pace.drawn("one", 0.1)
    pace.drawn("one", 0.1)
    assert pace.every() == LEAST, "one page counts once"
    for number in range(20):
        pace.drawn(f"{number}", 0.1)
    assert pace.every() == 8.0 and 21 * 0.1 / pace.every() <= SHARE
    for number in range(1000):
        pace.drawn(f"{number}", 0.1)
    assert pace.every() == MOST


def test_pages_that_were_closed_are_forgotten() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for number in range(20):
        pace.drawn(f"{number}", 0.1)
    now[0] = GONE + 1
    pace.drawn("one", 0.1)
    assert pace.every() == LEAST


def test_a_page_that_was_left_is_forgotten_at_once() -> None:
    there = {"before the reload", "after it"}
    pace = Pace(lambda: 0.0, there.__contains__)
    pace.drawn("before the reload", 3.0)
    pace.drawn("after it", 0.1)
    assert pace.every() == MOST
    there.remove("before the reload")
    assert pace.every() == LEAST
