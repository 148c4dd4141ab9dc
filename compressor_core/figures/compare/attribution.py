"""Line scores of an answer: scores of each side → `AttributionInfo` → the code with a bar for each score.

The output is an HTML table rather than a chart, so that code wraps at any width, can be selected and is read by screen
readers. All external text is escaped and never placed inside a tag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from compressor_core.figures import theme
from compressor_core.records import Attribution

SIDES: Mapping[str, str] = {"teacher": theme.TEACHER, "student": theme.STUDENT}
MOST_NAMED = 3
"""Largest number of lines that a sentence names."""
_LONGEST = 400
"""Largest number of characters shown per line."""
_BEYOND = 2
"""Number of lines shown after the last one that any model has read."""
_CLOSE = 0.05
"""Tolerated deviation of the scores' sum, as a share of its expected value or of one logit."""
_NOTABLE = 0.1
"""Share of the highest score from which a line counts as one that mattered."""

WHAT_IT_IS = (
    "Integrated gradients of each model's own answer, in logits, summed over the tokens of each line: a bar to the "
    "right speaks for the answer, one to the left against it. They say what a model looked at, not what is wrong with "
    "the code, and not what the answer would be without the line."
)


@dataclass(frozen=True)
class LineInfo:
    """A line: its number, its text, and its score in logits by side; None if the side has not read it."""

    number: int
    text: str
    scores: Mapping[str, float | None]


@dataclass(frozen=True)
class AttributionInfo:
    """A function as it is drawn. `largest` is the scale of each side's bars, `more` the number of omitted lines."""

    lines: tuple[LineInfo, ...]
    labels: Mapping[str, str]
    largest: Mapping[str, float]
    more: int

    def share(self, side: str, line: LineInfo) -> float:
        """Length of a bar, from −1 to 1."""
        score, largest = line.scores[side], self.largest[side]
        return 0.0 if score is None or largest == 0 else score / largest

    def top(self, side: str) -> list[int]:
        """Numbers of the lines that spoke most for the side's answer, strongest first."""
        ranked = sorted(self.lines, key=lambda line: -self.share(side, line))
        return [line.number for line in ranked[:MOST_NAMED] if self.share(side, line) >= _NOTABLE]


def attribution_info(codes: Sequence[str], records: Mapping[str, Attribution], function: int = 0) -> AttributionInfo:
    """One function of an example with each side's scores of its lines.

    Args:
        codes: The functions of the example.
        records: Attributions by side (`teacher`, `student`).
        function: Index of the function; bars have the same scale in both functions of a pair.
    """
    sides = [side for side in SIDES if side in records]
    scores: dict[str, Sequence[Sequence[float | None]]] = {side: records[side].lines for side in sides}
    texts = codes[function].splitlines()
    lines = tuple(
        LineInfo(number, text, {side: scores[side][function][number - 1] for side in sides})
        for number, text in enumerate(texts, 1)
    )
    last = max((line.number for line in lines if any(line.scores.values())), default=len(lines))
    shown = lines[: last + _BEYOND] if len(lines) > last + 2 * _BEYOND else lines
    return AttributionInfo(
        shown,
        {side: records[side].label for side in sides},
        {
            side: max((abs(one) for each in scores[side] for one in each if one is not None), default=0)
            for side in sides
        },
        len(lines) - len(shown),
    )


def attribution_sentence(infos: Sequence[AttributionInfo], side: str) -> str:
    """Sentence on the lines that mattered most to a side; one info per function of the example."""
    found = []
    for info, where in zip(infos, ("", "") if len(infos) == 1 else ("first", "second"), strict=False):
        if top := info.top(side):
            numbers = ", ".join(map(str, top[:-1])) + (" and " if len(top) > 1 else "") + str(top[-1])
            of = f" of the {where} function" if where else ""
            found.append(f"line{'s' if len(top) > 1 else ''} {numbers}{of}")
    label = next(iter(infos)).labels[side]
    if not found:
        return f"No line speaks for the {side}'s answer, {label}."
    return f"For the {side}'s answer, {label}, {' and '.join(found)} mattered most."


def attribution_caveat(records: Mapping[str, Attribution]) -> str | None:
    """Warning if scores do not add up to their expected sum, or None; `records` as for `attribution_info`."""
    said = []
    for side, record in records.items():
        gained = record.margin - record.baseline
        if abs(record.missing) > _CLOSE * max(1.0, abs(gained)):
            said.append(f"The {side}'s scores add up to {gained + record.missing:.2f} in the place of {gained:.2f}")
    return f"{'. '.join(said)}: treat their order only as a hint." if said else None


def attribution_html(info: AttributionInfo) -> str:
    """HTML table of the lines, each with its number and a bar for each side in the side's colour."""
    sides = list(info.labels)
    head = "".join(f'<th scope="col">{escape(side.capitalize())}</th>' for side in sides)
    body = "".join(_row(info, line, sides) for line in info.lines)
    if info.more:
        body += f'<tr><td></td><td class="more" colspan="{len(sides) + 1}">{info.more:,} more lines, not read</td></tr>'
    return (
        f'{_STYLE}<table class="lines"><thead><tr><th scope="col">Line</th>{head}<th scope="col">Code</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _row(info: AttributionInfo, line: LineInfo, sides: Sequence[str]) -> str:
    unread = all(score is None for score in line.scores.values())
    cells = "".join(_bar(info, line, side) for side in sides)
    text = line.text[:_LONGEST] + (" …" if len(line.text) > _LONGEST else "")
    kind = ' class="unread"' if unread else ""
    return f'<tr{kind}><td class="number">{line.number}</td>{cells}<td class="code">{escape(text)}</td></tr>'


def _bar(info: AttributionInfo, line: LineInfo, side: str) -> str:
    score, share = line.scores[side], info.share(side, line)
    if score is None:
        return f'<td class="lane none" title="not read by the {side}">not read</td>'
    width = f"{50 * abs(share):.1f}%"
    place = "left:50%" if share > 0 else "right:50%"
    against = " against" if share < 0 else ""
    title = f"{side}: {score:+.2f} logits"
    bar = f'<i class="{side}{against}" style="width:{width};{place}"></i>' if abs(share) > 0.01 else ""
    return f'<td class="lane" title="{title}"><div>{bar}<span class="told">{score:+.2f}</span></div></td>'


_STYLE = f"""<style>
.lines{{width:100%;border-collapse:collapse;table-layout:fixed;font-size:.8rem;line-height:1.45}}
.lines th{{text-align:left;font-weight:600;padding:.2rem .3rem;width:5.2rem}}
.lines th:first-child{{width:2.6rem}}
.lines th:last-child{{width:auto}}
.lines td{{padding:0 .3rem;vertical-align:top;border:0}}
.lines .number{{text-align:right;opacity:.65;font-variant-numeric:tabular-nums}}
.lines .code{{font-family:"Source Code Pro",monospace;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4;
unicode-bidi:isolate}}
.lines .lane div{{position:relative;height:1.16rem;border-left:1px solid {theme.GRID};
border-right:1px solid {theme.GRID};background:linear-gradient({theme.MUTED},{theme.MUTED}) center/1px 100% no-repeat}}
.lines i{{position:absolute;top:.18rem;bottom:.18rem;border-radius:2px;box-sizing:border-box}}
.lines .teacher{{background:{theme.TEACHER};border:1.5px solid {theme.TEACHER}}}
.lines .student{{background:{theme.STUDENT};border:1.5px solid {theme.STUDENT}}}
.lines .against{{background:transparent}}
.lines .none,.lines .more{{font-size:.72rem;opacity:.65;font-style:italic;white-space:nowrap;overflow:hidden}}
.lines .unread .code{{opacity:.7}}
.lines .told{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}}
@media (max-width:760px){{
.lines{{font-size:.72rem}}
.lines th{{width:2.7rem;font-size:.62rem;padding:.2rem .1rem}}
.lines th:first-child{{width:1.6rem}}
.lines td{{padding:0 .1rem}}
.lines .code{{padding-left:.35rem}}
}}
</style>"""
