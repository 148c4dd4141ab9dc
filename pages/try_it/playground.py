"""Playground: teacher and student each answer on the visitor's own code."""

from __future__ import annotations

import streamlit as st

from compressor_core.data.domain import domain
from compressor_core.data.pasted import checked, decoded, language_of, language_remark, packed, unpacked
from compressor_core.errors import CompressorError, RunError
from compressor_core.figures.compare.answers import (
    AnswersInfo,
    answers_figure,
    answers_headline,
    sure,
    unsure_sentence,
)
from compressor_core.figures.compare.attribution import (
    WHAT_IT_IS,
    attribution_caveat,
    attribution_html,
    attribution_info,
    attribution_sentence,
)
from compressor_core.language import Language
from compressor_core.literal import literal, literal_code
from compressor_core.models.card import read_card
from compressor_core.runs.library import Model, students, teacher_to_ask
from compressor_core.task import Task
from pages.parts.chart import chart
from pages.parts.chosen import choose_student
from pages.parts.data import INFO
from pages.parts.explain import terms
from pages.parts.frame import link, metrics, open_page, say, sentences
from pages.parts.live import store
from pages.parts.playground import (
    PATIENCE,
    Drawn,
    Place,
    answers,
    attributed,
    example_of,
    loaded,
    place_of,
    seconds_of_lines,
    thresholds,
)
from pages.parts.playground_edits import chip_of, chosen_chip, show_edits, show_fix, show_rules

TITLES = {Task.VULNERABILITY: ("Function",), Task.CLONE: ("First function", "Second function")}
MONOSPACED = "<style>.st-key-pasted textarea{font-family:'Source Code Pro',monospace;font-size:.8rem}</style>"


def linked_student() -> Model | None:
    """Student of the URL, or the one chosen here or on another page."""
    with sentences():
        found = {model.key: model for model in students(store())}
        wanted = {name: st.query_params[name] for name in ("run", "student") if name in st.query_params}
        if wanted and st.session_state.get("playground_linked") != wanted:
            st.session_state.student = student_of(wanted, found)
    if not found:
        st.info("There is no student yet.")
        link("distill", "Distill a student first")
        return None
    student = choose_student(st, found)
    linked = {"run": student.run.id} if student.run else {"student": student.folder.name}
    for name in {"run", "student"} - set(linked):
        keep(name, None)
    for name, value in linked.items():
        keep(name, value)
    st.session_state.playground_linked = linked
    return student


def keep(name: str, value: str | None) -> None:
    """Set a query parameter of the URL; None removes it."""
    if value is not None:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def student_of(wanted: dict[str, str], found: dict[str, Model]) -> str:
    """Key of the first student of the run in the URL, or of a bundled student by its name; empty if not found.

    Raises RunError if the run has no student.
    """
    if (run_id := wanted.get("run")) is None:
        return next((key for key, one in found.items() if not one.run and one.folder.name == wanted["student"]), "")
    run = store().get(run_id)
    key = next((key for key, model in found.items() if model.run is not None and model.run.id == run.id), None)
    if key is None:
        raise RunError(f"Run {run_id} has made no student that is still there: choose one here.")
    return key


def field(student: Model, number: int) -> str:
    """Key of a text box; students of one task share its content."""
    return f"pasted/{student.task}/{number}"


def paste(student: Model) -> tuple[str, ...] | None:
    """Code to ask about: pasted, uploaded or drawn. None, with a message on the page, while there is none."""
    titles = TITLES[student.task]
    st.html(MONOSPACED)
    with st.container(border=True, key="pasted"):
        with sentences():
            if (chip := chosen_chip(student.task, INFO[student.dataset].language)) is not None:
                fill(student, chip.codes)
        draw, ask, origin = st.columns([2, 2, 5], vertical_alignment="center")
        if draw.button("Draw an example", icon=":material/casino:", width="stretch", help="From the test split"):
            draw_example(student, st.session_state.get(drawn_so_far(student), -1) + 1)
        elif (
            linked := st.query_params.get("example", "")[:9]  # Python does not convert longer digit strings
        ).isdecimal() and "playground_example" not in st.session_state:
            draw_example(student, int(linked))
        elif (pasted := st.query_params.get("code")) and st.session_state.get("playground_code") != pasted:
            st.session_state.playground_code = pasted
            try:
                fill(student, unpacked(pasted, len(titles)))
            except CompressorError as error:
                say(error)
        asked = ask.button("Ask both", type="primary", icon=":material/play_arrow:", width="stretch")
        codes = []
        for number, (title, column) in enumerate(zip(titles, st.columns(len(titles)), strict=True)):
            with column:
                upload(student, number, title)
                codes.append(
                    st.text_area(
                        title,
                        key=field(student, number),
                        persist_state="session",
                        height=260,
                        placeholder="Paste a function here",
                    )
                )
        if (drawn := example_in(student, tuple(codes))) is not None:
            origin.caption(f"Test split: {literal_code(drawn.origin)}")
        keep("example", str(drawn.number) if drawn else None)
    if not any(code.strip() for code in codes) and not asked:
        keep("code", None)
        st.info("Paste code, upload a file, or draw an example to start with.")
        return None
    with sentences():
        good = tuple(checked(code, title) for code, title in zip(codes, titles, strict=True))
    st.session_state.playground_code = None if drawn else packed(good)
    keep("code", st.session_state.playground_code)
    if drawn is None and st.session_state.playground_code is None:
        origin.caption("Too long for the link to this page.")
    return good


def upload(student: Model, number: int, title: str) -> None:
    """Upload whose text fills the box; shows an error for a file that is not code."""
    key = field(student, number)
    file = st.file_uploader(
        f"Upload: {title.lower()}", key=f"file/{key}", label_visibility="collapsed", max_upload_size=1
    )
    if file is None or st.session_state.get(f"taken/{key}") == file.file_id:
        return
    try:
        st.session_state[key] = decoded(file.getvalue(), file.name)
        st.session_state[f"taken/{key}"] = file.file_id
    except CompressorError as error:
        say(error)


def drawn_so_far(student: Model) -> str:
    """Session key of the number of the last drawn example."""
    return f"drawn/{student.dataset}/{student.data}"


def draw_example(student: Model, number: int) -> None:
    """Fill the boxes with an example of the test split."""
    with sentences():
        drawn = example_of(student, number)
    st.session_state[drawn_so_far(student)] = drawn.number
    fill(student, drawn.codes)
    st.session_state["playground_example"] = drawn


def fill(student: Model, codes: tuple[str, ...]) -> None:
    """Put code into the boxes."""
    for at, code in enumerate(codes):
        st.session_state[field(student, at)] = code


def example_in(student: Model, codes: tuple[str, ...]) -> Drawn | None:
    """Drawn example in the boxes; None if they hold something else."""
    drawn: Drawn | None = st.session_state.get("playground_example")
    if drawn is None or drawn.source != (student.dataset, student.data):
        return None
    # A text box returns other line endings than it was given.
    return drawn if [code.split() for code in drawn.codes] == [code.split() for code in codes] else None


def sides_of(student: Model) -> dict[str, Place]:
    """Models that can answer, by side; a model that fails to load is reported and does not block the other."""
    places: dict[str, Place] = {}
    for side in ("teacher", "student"):
        try:
            folder = student.folder if side == "student" else teacher_to_ask(store(), student)
            loaded(place := place_of(folder))
            places[side] = place
        except CompressorError as error:
            (st.info if isinstance(error, RunError) else st.error)(f"The {side} cannot be asked. {literal(str(error))}")
    return places


def show_answers(info: AnswersInfo, source: str) -> None:
    st.header(literal(answers_headline(info)), anchor=False)
    metrics(
        *(
            (side.capitalize(), info.label(side), f"{sure(answer)}, {answer.milliseconds:.1f} ms")
            for side, answer in info.answers.items()
        ),
        *((("True label", info.true_label, source),) if info.true_label else ()),
    )
    chart(answers_figure(info), key="answers", alt=answers_headline(info))
    st.caption(
        "Times include tokenisation, on one thread: the median of five calls in turns (fewer for "
        "slow models). *Side by side* measures many functions."
    )
    if (said := unsure_sentence(info)) is not None:
        st.caption(said)
    terms("logits", "calibration", "latency")


def show_lines(places: dict[str, Place], info: AnswersInfo, codes: tuple[str, ...], titles: tuple[str, ...]) -> None:
    """Show the code with the score of each line for each side's answer."""
    st.markdown("**The lines that mattered**")
    records = {}
    for side, place in places.items():
        seconds = seconds_of_lines(info.answers[side].milliseconds)
        if seconds > PATIENCE and not st.toggle(
            f"Score the lines for the {side} too: takes {seconds:.0f} seconds or more here", key=f"score/{side}"
        ):
            continue
        try:
            records[side] = attributed(place, codes)
        except CompressorError as error:
            st.info(literal(str(error)))
    if not records:
        return
    functions = [attribution_info(codes, records, number) for number in range(len(codes))]
    st.markdown(literal(" ".join(attribution_sentence(functions, side) for side in records)))
    for function, title, column in zip(functions, titles, st.columns(len(codes)), strict=True):
        with column:
            if len(codes) > 1:
                st.caption(title)
            st.html(attribution_html(function))
    st.caption(WHAT_IT_IS)
    terms("integrated-gradients", "tokens")
    if (caveat := attribution_caveat(records)) is not None:
        st.caption(caveat)


def play(student: Model) -> None:
    codes = paste(student)
    if codes is None:
        return
    card = read_card(student.folder)
    for code in dict.fromkeys(codes):
        if card is not None and (remark := language_remark(code, card.language)) is not None:
            st.warning(remark, icon=":material/translate:")
    if not (places := sides_of(student)):
        return
    drawn, chip = example_in(student, codes), chip_of(student.task, INFO[student.dataset].language, codes)
    with sentences():
        found = answers(places, codes)
        truth = drawn.truth if drawn else chip.truths[0] if chip else None
        info = AnswersInfo(found, truth, thresholds(places, found))
    show_answers(info, "of the test split" if drawn else "of the exam")
    language = (card.language if card else None) or language_of(codes[0])
    with sentences():
        if student.task is Task.VULNERABILITY and language is Language.PYTHON:
            show_rules(codes[0])
        show_domain(card.dataset if card else None)
        if chip is not None:
            show_fix(chip)
        if language is not None:
            show_edits(places, info, codes, chip, language)
    show_lines(places, info, codes, TITLES[student.task])


def show_domain(dataset: str | None) -> None:
    """Show what these models were made for."""
    if (known := domain(dataset)) is None:
        return
    st.warning(known.sentence, icon=":material/science:")
    if known.weaknesses:
        with st.expander("Which weaknesses"):
            st.markdown(" · ".join(map(literal, known.weaknesses)))
    link("exam", "What they know of functions written by hand")


open_page(
    "playground",
    "Teacher and student answer on your own code, with their times and the lines that mattered most to each.",
)
student = linked_student()
if student is not None:
    play(student)
