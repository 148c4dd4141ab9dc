"""Results of a measurement of costs for figures, sentences and tables: records → `MeasurementInfo`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from compressor_core.literal import literal
from compressor_core.records import (
    ColdStart,
    Energy,
    Form,
    MeasuredLatency,
    MeasuredModel,
    MeasurementSetup,
    Record,
    Throughput,
)

FORMS: Final = {Form.PYTORCH: "PyTorch", Form.ONNX: "ONNX Runtime", Form.INT8: "ONNX Runtime, int8"}
"""Title of each form in which a model is run."""
PERCENTILES: Final = {"median": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}
"""Title of each percentile of a record."""
BUSY: Final = 1.25
"""Ratio of wall time to processor time from which the machine counts as busy with other work."""
_LONGEST: Final = 18
"""Largest length of a name beside a bar, in characters."""
_ORDER: Final = list(FORMS)

Key = tuple[int, Form, bool]


@dataclass
class MeasurementInfo:
    """Records so far; empty before the setup record."""

    setup: MeasurementSetup | None = None
    latency: dict[Key, MeasuredLatency] = field(default_factory=dict)
    joules: dict[Key, float] = field(default_factory=dict)
    """Joules per 1,000 predictions."""
    rates: dict[Key, dict[int, float]] = field(default_factory=dict)
    """Examples per second by batch size."""
    starts: dict[tuple[int, Form], ColdStart] = field(default_factory=dict)

    @property
    def models(self) -> tuple[MeasuredModel, ...]:
        """Measured models; the others are compared with the first."""
        return () if self.setup is None else self.setup.models

    @property
    def estimated(self) -> bool:
        """Whether energy is an estimate."""
        return self.setup is None or not self.setup.energy_source.measured

    @property
    def forms(self) -> tuple[Form, ...]:
        """Forms that any model has been measured in, in the order of `FORMS`."""
        return tuple(form for form in FORMS if any(key[1] == form for key in self.latency))

    def of_length(self, padded: bool) -> list[MeasuredLatency]:
        """Latencies at padded or true lengths, sorted by form, then model."""
        rows = [row for row in self.latency.values() if row.padded is padded]
        return sorted(rows, key=lambda row: (_ORDER.index(row.form), row.model))

    @property
    def starts_in_order(self) -> list[ColdStart]:
        """Cold starts, sorted by form, then model."""
        return sorted(self.starts.values(), key=lambda one: (_ORDER.index(one.form), one.model))

    def label(self, model: int, form: Form) -> str:
        """The title of a bar, short enough for a phone."""
        name = self.models[model].name
        return f"{name if len(name) <= _LONGEST else name[: _LONGEST - 1].rstrip() + '…'}<br>{FORMS[form]}"


def measurement_info(records: Iterable[Record]) -> MeasurementInfo:
    """Build the info from the records of a measurement in any state; of repeated records the last counts."""
    info = MeasurementInfo()
    for record in records:
        if isinstance(record, MeasuredLatency):
            info.latency[_key(record)] = record
        elif isinstance(record, Energy):
            info.joules[_key(record)] = record.joules_per_1000
        elif isinstance(record, Throughput):
            info.rates.setdefault(_key(record), {})[record.batch_size] = record.examples_per_second
        elif isinstance(record, ColdStart):
            info.starts[record.model, record.form] = record
        elif isinstance(record, MeasurementSetup):
            info.setup = record
    return info


def speed_sentences(info: MeasurementInfo, padded: bool) -> list[str]:
    """Speedup of each model but the first, in the same form and against PyTorch.

    On a busy machine, the ratio of processor times is added to that of wall times.
    """
    sentences = []
    busy = bool(busy_sentence(info))
    first = _by_form(info, 0, padded)
    for number, model in enumerate(info.models[1:], start=1):
        own = _by_form(info, number, padded)
        if not own or not first:
            continue
        alike = [
            f"{_times(first[form].median, own[form].median)} in {FORMS[form]} ({_ms(own[form].median)} against "
            f"{_ms(first[form].median)}{f'; {_less_work(first[form], own[form])}' if busy else ''})"
            for form in own
            if form in first
        ]
        best = min(own, key=lambda form: own[form].median)
        across = ""
        if best is not Form.PYTORCH and Form.PYTORCH in first:
            ratio = _times(first[Form.PYTORCH].median, own[best].median)
            cpu = f" ({_less_work(first[Form.PYTORCH], own[best])})" if busy else ""
            than = f"{literal(info.models[0].name)} in PyTorch{cpu}"
            across = f" In its fastest form, {FORMS[best]}, it is {ratio} than {than}."
        sentences.append(f"**{literal(model.name)}** is {'; '.join(alike)}.{across}")
    return sentences


def method_sentence(info: MeasurementInfo) -> str:
    """Method and machine of the measurement."""
    if (setup := info.setup) is None:
        return ""
    split = "all rows" if setup.split == "all" else f"the {setup.split} split"
    return (
        f"Latency is that of one example at a time, tokenisation apart: {setup.examples:,} examples of "
        f"{setup.dataset} ({split}), {setup.rounds} rounds, in each of which all models and forms take "
        f"turns, in alternating order, each turn after a warm-up. {setup.machine.in_words}."
    )


def busy_sentence(info: MeasurementInfo) -> str:
    """Warning that the machine was busy with other work; empty if it was not, or if nothing is measured yet."""
    shares = sorted(row.median / row.cpu_median for row in info.latency.values() if row.cpu_median > 0)
    if not shares or info.setup is None or info.setup.machine.threads != 1:
        return ""
    share = shares[len(shares) // 2]
    if share < BUSY:
        return ""
    return (
        f"The machine was busy with something else: typically one waited {share:.1f} times what the processor worked "
        "for an answer. Trust the ratios more than the milliseconds, and the column “CPU” more than “p50”."
    )


def data_flow_sentence(info: MeasurementInfo) -> str:
    """Note that extracting data flow is not counted, for the models that read it; empty if none do."""
    names = [model.name for model in info.models if model.data_flow]
    if not names:
        return ""
    return (
        f"{' and '.join(names)} read{'s' if len(names) == 1 else ''} data flow beside the tokens; "
        "extracting it is left out of these times, as tokenization is."
    )


def energy_sentence(info: MeasurementInfo) -> str:
    """Source of the energy figures."""
    if info.setup is None:
        return ""
    source = info.setup.energy_source
    if source.measured:
        return f"{source.reason} They count the whole processor, its idle share and other work included."
    return (
        f"**Estimated**, not measured: the processor's time times {source.watts:g} watts for a busy core. It says "
        f"no more than the time does. {source.reason}"
    )


def table_rows(info: MeasurementInfo, padded: bool) -> list[dict[str, Any]]:
    """One row per model and form, with units in the column names."""
    rows = []
    first = _by_form(info, 0, padded)
    for row in info.of_length(padded):
        model = info.models[row.model]
        rows.append(
            {
                "Model": model.name,
                "Form": FORMS[row.form],
                **{f"{title} (ms)": getattr(row, name) for name, title in PERCENTILES.items()},
                "CPU (ms)": row.cpu_median,
                "Times faster, same form": first[row.form].median / row.median if row.form in first else None,
                "Tokens": model.padded_tokens if padded else model.tokens,
                "File (MB)": model.forms[row.form],
                "Largest difference": row.difference,
                f"Energy{', estimated' if info.estimated else ''} (J per 1,000)": info.joules.get(_key(row)),
            }
        )
    return rows


def _key(record: MeasuredLatency | Energy | Throughput) -> Key:
    return record.model, record.form, record.padded


def _by_form(info: MeasurementInfo, model: int, padded: bool) -> dict[Form, MeasuredLatency]:
    keys = ((form, (model, form, padded)) for form in FORMS)
    return {form: info.latency[key] for form, key in keys if key in info.latency}


def _less_work(first: MeasuredLatency, own: MeasuredLatency) -> str:
    return f"{first.cpu_median / own.cpu_median:.1f}× less CPU time"


def _times(first: float, own: float) -> str:
    return f"{first / own:.1f}× faster" if first >= own else f"{own / first:.1f}× slower"


def _ms(value: float) -> str:
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"
