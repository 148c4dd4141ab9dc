"""Display that the trainings of teachers and students share."""

from __future__ import annotations

import streamlit as st

from compressor_core.figures.study.training import accuracy_figure, loss_figure, seconds_left, training_info
from compressor_core.figures.words.captions import accuracy_words, loss_words
from compressor_core.figures.words.forms import duration
from compressor_core.literal import literal
from compressor_core.runs import Run, State, Status
from pages.parts.chart import chart
from pages.parts.live import records


def time_left(run: Run, status: Status) -> float | None:
    """Remaining seconds of training at the pace of its epochs; None before the first has ended."""
    return seconds_left(training_info(records(run)), status.progress, status.elapsed)


def curves(run: Run) -> bool:
    """Draw loss and validation accuracy so far in little space, one below the other; False before the first step."""
    info = training_info(records(run))
    if not info.steps:
        return False
    figure = loss_figure(info).update_layout(height=230, showlegend=False)
    chart(figure, key=f"loss/{run.id}", alt=loss_words(info))
    figure = accuracy_figure(info).update_layout(height=230, showlegend=False)
    chart(figure, key=f"accuracy/{run.id}", alt=accuracy_words(info, None))
    return True


def training(run: Run, status: Status, *, loss: str, teacher: float | None = None) -> None:
    """Draw loss and validation accuracy so far, and the remaining time if it can be estimated."""
    info = training_info(records(run))
    if status.state is State.RUNNING:
        left = seconds_left(info, status.progress, status.elapsed)
        best = info.best
        parts = [f"About {duration(left)} of training left, by the pace of the epochs so far." if left else ""]
        if best is not None:
            parts.append(f"{info.epochs[-1].record.examples_per_second:.0f} examples per second.")
        st.caption(" ".join(filter(None, parts)))
    for notice in info.notices:
        st.info(literal(notice), icon=":material/info:")
    if info.warm_up:
        losses = " → ".join(f"{loss:.2f}" for loss in info.warm_up)
        st.caption(f"Warm-up on masked code, loss by epoch (nats per hidden token): {losses}.")
    first, second = st.columns(2)
    with first:
        st.markdown(f"**{loss}**")
        chart(loss_figure(info), key=f"loss/{run.id}", alt=loss_words(info))
        st.caption(
            "Each step sees different examples, so its loss jumps; the smoothed line shows whether the model "
            "still learns. If it still falls at the end, train for more epochs."
        )
    with second:
        st.markdown("**Accuracy on the validation split**")
        chart(accuracy_figure(info, teacher=teacher), key=f"accuracy/{run.id}", alt=accuracy_words(info, teacher))
        st.caption(
            "On code that the model does not learn from: if the loss falls while this stands still, the model "
            "memorises. This accuracy chooses the epoch that is kept, so it is slightly optimistic; the test "
            "split, used last, is not."
        )
