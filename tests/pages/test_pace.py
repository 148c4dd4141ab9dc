from __future__ import annotations

from pages.parts.pace import GONE, LEAST, LEAST_GONE, MOST, SHARE, Pace


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
    assert pace.every() == 8.0
    now[0] = 8.0 + 1  # each is about to be drawn again
    pace.drawn("one", 0.1)
    assert pace.every() == 8.0
    now[0] = GONE * 8.0 + 2
    pace.drawn("one", 0.1)
    assert pace.every() == LEAST


def test_a_page_that_was_left_is_soon_forgotten_where_pages_are_drawn_often() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    pace.drawn("before the reload", 0.25)
    assert pace.every() == LEAST
    now[0] = LEAST_GONE + 1
    for number in range(2):
        pace.drawn(f"{number}", 0.12)
    assert pace.every() == LEAST
