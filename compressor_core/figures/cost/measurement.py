"""What a measurement of costs has found, for figures, sentences and tables: records → `MeasurementInfo`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compressor_core.figures import theme
from compressor_core.literal import literal

FORMS: Final[Mapping[str, str]] = {"pytorch": "PyTorch", "onnx": "ONNX Runtime", "onnx-int8": "ONNX Runtime, int8"}
"""A title for each form in which a model is run."""
PERCENTILES: Final[Mapping[str, str]] = {"median": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}
"""How each percentile of a record is called."""
BUSY: Final = 1.25
"""From how many times the processor's own time on, a wait says that the machine had other work."""
_LONGEST: Final = 18
"""Characters of a name beside a bar."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class ModelInfo:
    """One of the models; the first is what the others are held against."""

    name: str
    look: theme.Look
    size_mb: float
    parameters: int
    tokens: float
    """Of a function, in the mean."""
    places: int
    """That a padded function has."""
    data_flow: bool
    files: Mapping[str, float | None]
    """By form: the size of its file in MB, None where it has none of its own."""


@dataclass(frozen=True)
class Row:
    """One model in one form, at one kind of length. Milliseconds for one example at a time."""

    model: int
    form: str
    padded: bool
    percentiles: Mapping[str, float]
    """By the names of `PERCENTILES`."""
    samples: tuple[float, ...]
    """Sorted."""
    cpu: float
    """What the processor worked, median."""
    difference: float | None
    """The largest one of its logits to those of PyTorch at the true lengths."""
    joules: float | None
    """For 1,000 predictions; None while it is not known."""
    rates: Mapping[int, float]
    """Examples per second by batch size."""

    @property
    def median(self) -> float:
        return self.percentiles["median"]


@dataclass(frozen=True)
class Start:
    """A fresh process until its first answer: seconds, and resident memory in MB."""

    model: int
    form: str
    imports: float
    load: float
    first: float
    imports_mb: float
    peak_mb: float

    @property
    def seconds(self) -> float:
        return self.imports + self.load + self.first


@dataclass(frozen=True)
class MeasurementInfo:
    """All that is known so far; without models, nothing is."""

    models: tuple[ModelInfo, ...]
    rows: tuple[Row, ...]
    starts: tuple[Start, ...]
    estimated: bool
    """Whether energy is an estimate."""
    described: Record
    """The record of the models, for sentences."""

    @property
    def forms(self) -> tuple[str, ...]:
        """Those that any model has been measured in, in the order of `FORMS`."""
        return tuple(form for form in FORMS if any(row.form == form for row in self.rows))

    def row(self, model: int, form: str, padded: bool) -> Row | None:
        return next((row for row in self.rows if (row.model, row.form, row.padded) == (model, form, padded)), None)

    def of_length(self, padded: bool) -> list[Row]:
        """By form, within it by model."""
        order = list(FORMS)
        rows = [row for row in self.rows if row.padded is padded]
        return sorted(rows, key=lambda row: (order.index(row.form), row.model))

    def label(self, model: int, form: str) -> str:
        """The title of a bar, short enough for a phone."""
        name = self.models[model].name
        short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
        return f"{short}<br>{FORMS[form]}"


def measurement_info(records: Iterable[Record]) -> MeasurementInfo:
    """From the records of a measure run, finished or not; a later record of the same kind and key counts."""
    described: Record = {}
    latest: dict[str, dict[tuple[Any, ...], Record]] = {
        kind: {} for kind in ("latency", "throughput", "energy", "start")
    }
    for record in records:
        if record["type"] == "models":
            described = record
        elif record["type"] in latest:
            latest[record["type"]][_key(record)] = record
    rows = []
    for key, record in latest["latency"].items():
        rates = {one["batch_size"]: one for one in latest["throughput"].values() if _key(one)[:3] == key[:3]}
        energy = latest["energy"].get(key)
        rows.append(
            Row(
                record["model"],
                record["form"],
                record["padded"],
                percentiles={name: record[name] for name in PERCENTILES},
                samples=tuple(record["samples"]),
                cpu=record["cpu_median"],
                difference=record["difference"],
                joules=None if energy is None else energy["joules_per_1000"],
                rates={size: rates[size]["examples_per_second"] for size in sorted(rates)},
            )
        )
    parts = ("model", "form", "imports", "load", "first", "imports_mb", "peak_mb")
    looks = (theme.OF_TEACHER, *theme.OF_STUDENTS)
    return MeasurementInfo(
        models=tuple(_model(one, look) for one, look in zip(described.get("models", ()), looks, strict=False)),
        rows=tuple(rows),
        starts=tuple(Start(**{name: one[name] for name in parts}) for one in latest["start"].values()),
        estimated=not described.get("energy_source", {}).get("measured", False),
        described=described,
    )


def _key(record: Record) -> tuple[Any, ...]:
    return record["model"], record["form"], record.get("padded"), record.get("batch_size")


def _model(record: Record, look: theme.Look) -> ModelInfo:
    names = ("name", "size_mb", "parameters", "tokens", "places", "data_flow")
    return ModelInfo(look=look, files=record["forms"], **{name: record[name] for name in names})


def speed_sentences(info: MeasurementInfo, padded: bool) -> list[str]:
    """For each model but the first, how much faster it answers: in the same form, and against PyTorch.

    On a busy machine the ratio of the processor's own times stands beside that of the waits.
    """
    sentences = []
    busy = bool(busy_sentence(info))
    for number, model in enumerate(info.models[1:], start=1):
        own = {form: row for form in FORMS if (row := info.row(number, form, padded)) is not None}
        first = {form: row for form in FORMS if (row := info.row(0, form, padded)) is not None}
        if not own or not first:
            continue
        alike = [
            f"{_times(first[form].median, own[form].median)} in {FORMS[form]} ({_ms(own[form].median)} against "
            f"{_ms(first[form].median)}{f'; {first[form].cpu / own[form].cpu:.1f}× less CPU time' if busy else ''})"
            for form in own
            if form in first
        ]
        best = min(own, key=lambda form: own[form].median)
        across = ""
        if best != "pytorch" and "pytorch" in first:
            ratio = _times(first["pytorch"].median, own[best].median)
            cpu = f" ({first['pytorch'].cpu / own[best].cpu:.1f}× less CPU time)" if busy else ""
            than = f"{literal(info.models[0].name)} in PyTorch{cpu}"
            across = f" In its fastest form, {FORMS[best]}, it is {ratio} than {than}."
        sentences.append(f"**{literal(model.name)}** is {'; '.join(alike)}.{across}")
    return sentences


def method_sentence(info: MeasurementInfo) -> str:
    """How and where it was measured."""
    told = info.described
    if not told:
        return ""
    machine = told["machine"]
    threads = f"{machine['threads']} thread{'' if machine['threads'] == 1 else 's'}"
    split = "all rows" if told["split"] == "all" else f"the {told['split']} split"
    return (
        f"Latency is that of one example at a time, tokenisation apart: {told['examples']:,} examples of "
        f"{told['dataset']} ({split}), {told['rounds']} rounds, in each of which all models and forms take "
        f"turns, in alternating order, each turn after a warm-up. {machine['processor'] or 'Unknown processor'}, "
        f"{machine['cores']} cores, {machine['system']}, {threads}, {machine['runtime']}."
    )


def busy_sentence(info: MeasurementInfo) -> str:
    """Whether the machine did something else meanwhile; empty if it did not, or if nothing is measured yet."""
    shares = sorted(row.median / row.cpu for row in info.rows if row.cpu > 0)
    if not shares or info.described["machine"]["threads"] != 1:
        return ""
    share = shares[len(shares) // 2]
    if share < BUSY:
        return ""
    return (
        f"The machine was busy with something else: typically one waited {share:.1f} times what the processor worked "
        "for an answer. Trust the ratios more than the milliseconds, and the column “CPU” more than “p50”."
    )


def data_flow_sentence(info: MeasurementInfo) -> str:
    """Which models have one form only, and why; empty if none."""
    names = [model.name for model in info.models if model.data_flow]
    if not names:
        return ""
    return (
        f"{' and '.join(names)} read{'s' if len(names) == 1 else ''} data flow beside the tokens, which the ONNX files "
        "here cannot carry: measured in PyTorch alone."
    )


def energy_sentence(info: MeasurementInfo) -> str:
    """Where the energy comes from."""
    source = info.described.get("energy_source")
    if source is None:
        return ""
    if source["measured"]:
        return f"{source['reason']} They count the whole processor, its idle share and other work included."
    return (
        f"**Estimated**, not measured: the processor's time times {source['watts']:g} watts for a busy core. It says "
        f"no more than the time does. {source['reason']}"
    )


def table_rows(info: MeasurementInfo, padded: bool) -> list[dict[str, Any]]:
    """One row for each model and form, its units in the column names."""
    rows = []
    for row in info.of_length(padded):
        model = info.models[row.model]
        first = info.row(0, row.form, padded)
        rows.append(
            {
                "Model": model.name,
                "Form": FORMS[row.form],
                **{f"{title} (ms)": row.percentiles[name] for name, title in PERCENTILES.items()},
                "CPU (ms)": row.cpu,
                "Times faster, same form": None if first is None else first.median / row.median,
                "Tokens": model.places if padded else model.tokens,
                "File (MB)": row_size(model, row.form),
                "Largest difference": row.difference,
                f"Energy{', estimated' if info.estimated else ''} (J per 1,000)": row.joules,
            }
        )
    return rows


def row_size(model: ModelInfo, form: str) -> float:
    """MB of what is deployed in this form."""
    size = model.files.get(form)
    return model.size_mb if size is None else size


def rates_of(info: MeasurementInfo, form: str, padded: bool) -> Sequence[Row]:
    """The rows of a form whose throughput is known."""
    return [row for row in info.of_length(padded) if row.form == form and row.rates]


def _times(first: float, own: float) -> str:
    return f"{first / own:.1f}× faster" if first >= own else f"{own / first:.1f}× slower"


def _ms(value: float) -> str:
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"
