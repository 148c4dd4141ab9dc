"""README.md of a model folder, for the Hugging Face hub and for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from huggingface_hub import EvalResult, ModelCardData

from compressor_core.data.benchmarks import BIGCLONEBENCH_HUB, DEVIGN_HUB
from compressor_core.literal import literal, literal_code
from compressor_core.models.card import ModelCard, read_card
from compressor_core.task import Task

README: Final = "README.md"
TITLES: Final = {Task.VULNERABILITY: "vulnerability prediction", Task.CLONE: "clone detection"}
PURPOSES: Final = {
    Task.VULNERABILITY: "reads one function and says how probable it is that it is vulnerable",
    Task.CLONE: "reads two functions and says how probable it is that they do the same",
}
_HUB_NAME: Final = re.compile(
    r"[\w.-]{1,96}/[\w.-]{1,96}"
    r"|(albert|bert|camembert|distilbert|distilroberta|roberta|xlm-roberta)-(x{0,2}large|base)"
    r"(-(cased|uncased|chinese|german|dbmdz|multilingual|whole|word|masking|v1|v2))*"
)
"""Names on the hub. Those without an owner are of its first models: no other ones can be given any more."""
_PUBLISHED: Final[Mapping[str, str]] = {"bigclonebench": BIGCLONEBENCH_HUB, "devign": DEVIGN_HUB}
_SCORES: Final = ("accuracy", "f1")


def readme(card: ModelCard, name: str) -> str:
    """README.md of a model folder called `name`; all figures come from the card."""
    return "\n".join([front_matter(card, name), *_text(card), ""])


def front_matter(card: ModelCard, name: str) -> str:
    """YAML front matter of a model card for the hub: library, task, licence, base and measured scores."""
    dataset = card.dataset or "unknown"
    scores = {score: card.metrics.get(score) for score in _SCORES}
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_split="test",
            metric_type=score,
            metric_value=float(value),
        )
        for score, value in scores.items()
        if isinstance(value, int | float)
    ]
    data = ModelCardData(
        library_name="transformers" if card.data_flow is None else "compressor-studio",
        pipeline_tag="text-classification",
        license=card.licence or "other",
        base_model=_base(card),
        tags=["code", card.task.value, "model-compression", *(["custom_code"] if card.task is Task.CLONE else [])],
        model_name=name if results else None,
        eval_results=results or None,
    )
    return f"---\n{data.to_yaml()}\n---\n"


def _text(card: ModelCard) -> Iterator[str]:
    yield f"# A model for {TITLES[card.task]}"
    yield ""
    yield f"It {PURPOSES[card.task]}, and was made with Compressor Studio. Classes: 0 is "
    yield f"{literal_code(card.labels[0])}, 1 is {literal_code(card.labels[1])}."
    yield ""
    yield "```python"
    yield from usage(card)
    yield "```"
    yield ""
    facts: dict[str, object] = {
        "tokens that are read of a function": card.max_length,
        "architecture (vocabulary, width, layers, heads, intermediate)": card.architecture,
        "teacher": card.teacher and Path(card.teacher).name,
        "dataset": card.dataset,
        **{name.replace("_", " "): value for name, value in card.metrics.items()},
    }
    for fact, value in facts.items():
        if value is not None:
            yield f"- {fact}: {f'{value:.4g}' if isinstance(value, float) else literal(str(value))}"
    yield ""
    if card.data_flow is not None:
        yield f"It reads the data flow of {card.data_flow.value.capitalize()} as well as the tokens. Plain transformers"
        yield "loads it too, but reads the tokens alone, and answers differently: use the lines above."
        yield ""
    if (hub := _PUBLISHED.get(card.dataset or "")) is not None:
        yield f"The training data are published by their authors at https://huggingface.co/datasets/{hub}"
        yield "and are not part of this folder; their licence and that of the teacher bind what you do with the model."
        yield ""
    yield "It gives a probability, not a proof, and no reason: treat its answer as a hint where to look."


def usage(card: ModelCard) -> tuple[str, ...]:
    """Lines of Python that ask the model."""
    if card.data_flow is not None:
        asked = "one, other" if card.task is Task.CLONE else "code"
        return "import compressor_core as cc", "", f'cc.load("this folder").predict({asked})'
    if card.task is Task.VULNERABILITY:
        return (
            "from transformers import pipeline",
            "",
            'classify = pipeline("text-classification", "this folder", truncation=True)',
            'classify("def f(x): return eval(x)")',
        )
    return (
        "from transformers import AutoModelForSequenceClassification, AutoTokenizer",
        "",
        "# The head for pairs is in this folder's modeling_pair.py, which transformers runs only if it is told to.",
        'tokenizer = AutoTokenizer.from_pretrained("this folder", trust_remote_code=True)',
        'model = AutoModelForSequenceClassification.from_pretrained("this folder", trust_remote_code=True)',
        'one, other = (tokenizer(code, truncation=True, return_tensors="pt") for code in (first, second))',
        "model(**one, second=other).logits.softmax(-1)",
    )


def _base(card: ModelCard) -> str | None:
    """Hub name of the base of a teacher, or of the teacher of a student; None if it has none."""
    base = card.base or card.training.get("base")
    if base is None and card.teacher is not None and not _is_hub_name(card.teacher):
        teacher = read_card(card.teacher) if Path(card.teacher).is_dir() else None
        base = None if teacher is None else teacher.training.get("base")
    name = str(base or card.teacher or "")
    return name if _is_hub_name(name) else None


def _is_hub_name(name: str) -> bool:
    local = name.startswith(("teachers/", "students/", ".")) or Path(name).exists()
    return bool(_HUB_NAME.fullmatch(name)) and not local
