"""Students where nothing of this program is: plain transformers 4.57, 5.0 and that of the lock file, and Optimum."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from huggingface_hub import ModelCard as HubCard
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    DistilBertConfig,
    RobertaConfig,
    RobertaForMaskedLM,
)

from compressor_core.architecture import Architecture
from compressor_core.bundled import bundled_benchmark_students, is_recorded
from compressor_core.evaluate.prediction import predict_once
from compressor_core.export.exporting import export
from compressor_core.export.onnx import open_onnx, run_onnx
from compressor_core.export.settings import ExportSettings
from compressor_core.language import Language
from compressor_core.models.card import ModelCard, read_card
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.readme import readme
from compressor_core.models.teacher import from_scratch, load_encoder
from compressor_core.progress import finish
from compressor_core.task import PairFeatures, Task

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("safe", "vulnerable")
CODES = ["def f(x): return eval(x)", "def f(x):\n" + "    x = x + 1  # a comment\n" * 400]
PACKAGES = {
    "4.57": (
        *("transformers==4.57.6", "tokenizers==0.22.2", "huggingface_hub==0.36.2"),
        *("optimum==2.1.0", "optimum-onnx==0.1.0"),
    ),
    "5.0": ("transformers==5.0.0", "tokenizers==0.22.2", "huggingface_hub==1.3.0", "httpx==0.28.1", "httpcore==1.0.9"),
}
"""Packages of environments of their own, by version of transformers."""
VERSIONS = (*PACKAGES, transformers.__version__)
PIPELINE = """
import json, sys
from transformers import AutoTokenizer, __version__, pipeline
codes, answers = json.load(sys.stdin), []
for folder in sys.argv[1:]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    said = pipeline("text-classification", folder, truncation=True, top_k=None, device="cpu")(codes)
    answers.append({"version": __version__, "said": said, "length": tokenizer.model_max_length})
print(json.dumps(answers))
"""
OPTIMUM = """
import json, sys
from optimum.onnxruntime import ORTModelForSequenceClassification
from transformers import AutoTokenizer, pipeline
folder, codes = sys.argv[1], json.load(sys.stdin)
model = ORTModelForSequenceClassification.from_pretrained(folder, file_name="model.onnx")
tokenizer = AutoTokenizer.from_pretrained(folder)
classify = pipeline("text-classification", model=model, tokenizer=tokenizer, truncation=True, top_k=None, device="cpu")
print(json.dumps(classify(codes)))
"""
PAIRS = """
import json, sys, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, __version__
first, second = json.load(sys.stdin)
answers = []
for folder in sys.argv[1:]:
    refused = ""
    try:
        AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=False)
    except ValueError as error:
        refused = str(error)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    model = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True)
    one, other = (tokenizer(code, truncation=True, return_tensors="pt") for code in (first, second))
    with torch.inference_mode():
        found = model(**one, second=other).logits.softmax(-1)[0].tolist()
    labels = [model.config.id2label[place] for place in range(2)]
    answers.append({"version": __version__, "refused": refused, "said": dict(zip(labels, found))})
print(json.dumps(answers))
"""
OPTIMUM_PAIRS = """
import json, sys, torch
from optimum.onnxruntime import ORTModelForCustomTasks
from transformers import AutoTokenizer
folder, codes = sys.argv[1], json.load(sys.stdin)
model = ORTModelForCustomTasks.from_pretrained(folder, file_name="model.onnx", trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
inputs = {}
for side, code in zip("12", codes):
    for name, value in tokenizer(code, truncation=True, return_tensors="pt").items():
        inputs[f"{name}_{side}"] = value
print(json.dumps(model(**inputs)["logits"].softmax(-1)[0].tolist()))
"""
LOADING = """
import json, sys
from pathlib import Path
from compressor_core.architecture import Architecture
from compressor_core.distill.distillation import distill
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.settings import DistillSettings, TeacherSettings
from compressor_core.evaluate.prediction import predict_once
from compressor_core.export.exporting import export
from compressor_core.export.onnx import open_onnx, run_onnx
from compressor_core.export.settings import ExportSettings
from compressor_core.models.classifier import load
from compressor_core.models.teacher import load_encoder
from compressor_core.progress import finish
from compressor_core.task import PairFeatures, Task
folder, out, data, bases = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
model = load(folder)
print(predict_once(model, ("def f(x): return eval(x)",)).probabilities["vulnerable"])
load_encoder(folder, Task.CLONE, ("different", "clone"), 64).save(out / "again")
load(out / "again")
for place, base in enumerate(bases):
    load_encoder(base, Task.VULNERABILITY, ("safe", "vulnerable"), 64).save(out / f"again-{place}")
    load(out / f"again-{place}")
asked = {"dataset": "file", "data": data, "epochs": 1, "threads": 1}
finish(train_teacher(TeacherSettings(base=bases[0], max_length=32, **asked), out / "teacher"))
small = Architecture(400, 16, 1, 2, 16)
finish(distill(DistillSettings(teacher=str(out / "teacher"), architecture=small, **asked), out / "student"))
settings = ExportSettings(model=str(out / "student"), format="onnx", dataset="file", data=data, examples=4)
finish(export(settings, out / "model.onnx"))
"""


@cache
def environment(version: str) -> Path:
    """Interpreter with `PACKAGES` before the packages of this one, kept in the cache folder."""
    packages = PACKAGES[version]
    folder = ROOT / "cache" / f"venv-{'-'.join(packages).replace('=', '')}-{sys.version_info.minor}"
    python = folder / "bin" / "python"
    inside = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    if not (inside / "shared.pth").is_file():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-q", "--retries", "1", "--timeout", "20", "--no-deps"]
        done = subprocess.run([*install, *packages], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            pytest.skip(f"pip cannot install {', '.join(packages)} here: {done.stderr.strip().splitlines()[-1]}")
        # Torch and the others are those of this interpreter; what lies before them in the path is found first.
        (inside / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return python


@pytest.fixture(scope="module")
def older() -> Path:
    """Interpreter with transformers 4.57 and Optimum."""
    return environment("4.57")


def student(folder: Path, *, pretrained: bool) -> Classifier:
    torch.manual_seed(5)
    if pretrained:
        config = RobertaConfig(
            vocab_size=400, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            max_position_embeddings=514, pad_token_id=3,
        )  # fmt: skip
        made = from_scratch(Architecture(400, 16, 1, 2, 16), CODES * 9, Task.VULNERABILITY, LABELS, 512)
        RobertaForMaskedLM(config).save_pretrained(folder.parent / "base")
        made.tokenizer.save_pretrained(folder.parent / "base")
        load_encoder(folder.parent / "base", Task.VULNERABILITY, LABELS, 512).save(folder)
    else:
        made = from_scratch(Architecture(400, 16, 1, 2, 16), CODES * 9, Task.VULNERABILITY, LABELS, 512)
        made.card = made.card.replace(metrics={"accuracy": 0.75, "f1": 0.5}, dataset="devign", teacher="a/b")
        made.save(folder)
    return load(folder)


def pair_student(folder: Path, features: PairFeatures) -> Classifier:
    torch.manual_seed(5)
    architecture = Architecture(400, 16, 1, 2, 16)
    from_scratch(architecture, CODES * 9, Task.CLONE, ("different", "clone"), 512, pair_features=features).save(folder)
    return load(folder)


def run(python: Path | str, program: str, *arguments: Path, given: object = None) -> str:
    """What a program prints that finds nothing of this one, unless it imports it."""
    of_ours = "compressor_core" in program
    alone = "" if of_ours else "from importlib.util import find_spec; assert find_spec('compressor_core') is None\n"
    command = [str(python), "-c", alone + program, *map(str, arguments)]
    place = ROOT if of_ours else arguments[0].parent
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=300, cwd=place
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_a_pipeline_answers_as_this_program_does(tmp_path: Path, version: str) -> None:
    folders = {pretrained: tmp_path / f"pretrained-{pretrained}" / "student" for pretrained in (False, True)}
    models = [student(folder, pretrained=pretrained) for pretrained, folder in folders.items()]
    python = environment(version) if version in PACKAGES else sys.executable
    answers: Any = json.loads(run(python, PIPELINE, *folders.values(), given=CODES))
    for model, answer, length in zip(models, answers, (512, 510), strict=True):
        assert answer["version"].startswith(version)
        assert answer["length"] == model.card.max_length == length
        for code, said in zip(CODES, answer["said"], strict=True):
            found = {one["label"]: one["score"] for one in said}
            assert found == pytest.approx(predict_once(model, (code,)).probabilities, abs=1e-5)


@pytest.mark.parametrize("pretrained", [False, True])
def test_the_onnx_model_of_a_bundle_answers_in_optimum(older: Path, tmp_path: Path, pretrained: bool) -> None:
    model = student(tmp_path / "student", pretrained=pretrained)
    settings = ExportSettings(model=str(tmp_path / "student"), dataset="classroom-vulnerability", examples=4)
    finish(export(settings, tmp_path / "bundle"))
    answer: Any = json.loads(run(older, OPTIMUM, tmp_path / "bundle", given=CODES))
    for code, said in zip(CODES, answer, strict=True):
        found = {one["label"]: one["score"] for one in said}
        assert found == pytest.approx(predict_once(model, (code,)).probabilities, abs=1e-4)


@pytest.mark.parametrize("version", VERSIONS)
def test_models_of_pairs_answer_in_plain_transformers(tmp_path: Path, version: str) -> None:
    models = {tmp_path / features.value: pair_student(tmp_path / features.value, features) for features in PairFeatures}
    python = environment(version) if version in PACKAGES else sys.executable
    answers: Any = json.loads(run(python, PAIRS, *models, given=CODES).splitlines()[-1])
    (first, second) = CODES
    for model, answer in zip(models.values(), answers, strict=True):
        assert answer["version"].startswith(version)
        assert "trust_remote_code=True" in answer["refused"]  # and no head of random weights
        assert answer["said"] == pytest.approx(predict_once(model, (first, second)).probabilities, abs=1e-5)


def test_a_model_of_pairs_is_a_base(tmp_path: Path) -> None:
    made = pair_student(tmp_path / "student", PairFeatures.COMPARE)
    again = load_encoder(tmp_path / "student", Task.CLONE, ("different", "clone"), 64)
    before, after = made.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items() if name.startswith("encoder."))


def test_the_onnx_model_of_pairs_answers_in_optimum(older: Path, tmp_path: Path) -> None:
    model = pair_student(tmp_path / "student", PairFeatures.COMPARE)
    settings = ExportSettings(model=str(tmp_path / "student"), dataset="classroom-clone", examples=4)
    finish(export(settings, tmp_path / "bundle"))
    answer: Any = json.loads(run(older, OPTIMUM_PAIRS, tmp_path / "bundle", given=CODES).splitlines()[-1])
    (first, second) = CODES
    probabilities = predict_once(model, (first, second)).probabilities
    assert dict(zip(model.card.labels, answer, strict=True)) == pytest.approx(probabilities, abs=1e-4)


def test_this_program_runs_on_the_older_transformers(older: Path, tmp_path: Path) -> None:
    model = student(tmp_path / "student", pretrained=True)
    data, bases = tmp_path / "data.jsonl", []
    rows = [{"func": f"int f{n}(int x) {{ return x + {n}; }}", "label": n % 2} for n in range(80)]
    data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    shape: dict[str, Any] = {
        "vocab_size": 400,
        "num_attention_heads": 2,
        "max_position_embeddings": 66,
        "hidden_size": 16,
    }
    for name, config in {
        "roberta": RobertaConfig(**shape, num_hidden_layers=1, intermediate_size=16),
        "bert": BertConfig(**shape, num_hidden_layers=1, intermediate_size=16),
        "distilbert": DistilBertConfig(**shape, n_layers=1, hidden_dim=16),
    }.items():
        AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path / name)  # type: ignore[no-untyped-call]
        model.tokenizer.save_pretrained(tmp_path / name)
        values = json.loads((tmp_path / name / "tokenizer_config.json").read_text("utf-8"))
        own = {"tokenizer_class": "TokenizersBackend", "extra_special_tokens": ["<mask>"]}  # as version 5 writes them
        (tmp_path / name / "tokenizer_config.json").write_text(json.dumps(values | own), "utf-8")
        bases.append(tmp_path / name)
    said = run(older, LOADING, tmp_path / "student", tmp_path / "out", data, *bases)
    assert float(said) == pytest.approx(predict_once(model, (CODES[0],)).probabilities["vulnerable"], abs=1e-5)
    made = load(tmp_path / "out" / "student")
    session = open_onnx(tmp_path / "out" / "model.onnx")
    answer = run_onnx(session, made.encode([CODES[0]])[0])
    assert abs(answer - made.logits([CODES[0]]).numpy()).max() < 1e-4


@pytest.mark.parametrize("pretrained", [False, True])
def test_the_readme_is_one_that_the_hub_reads(tmp_path: Path, pretrained: bool) -> None:
    student(tmp_path / "student", pretrained=pretrained)
    card = HubCard.load(tmp_path / "student" / "README.md")
    data = card.data.to_dict()
    assert (data["library_name"], data["pipeline_tag"], data["license"]) == (
        "transformers",
        "text-classification",
        "other",
    )
    if not pretrained:
        assert data["base_model"] == "a/b"
        (entry,) = data["model-index"]
        metrics = {one["type"]: one["value"] for result in entry["results"] for one in result["metrics"]}
        assert entry["name"] == "student" and metrics == {"accuracy": 0.75, "f1": 0.5}
    else:
        assert "base_model" not in data and "model-index" not in data


def test_the_readme_says_that_plain_transformers_reads_no_data_flow(tmp_path: Path) -> None:
    made = from_scratch(
        Architecture(400, 16, 1, 2, 16), CODES * 9, Task.VULNERABILITY, LABELS, 128, data_flow=Language.PYTHON
    )
    made.save(tmp_path / "student")
    text = (tmp_path / "student" / "README.md").read_text("utf-8")
    data: Any = HubCard(text).data
    assert data.library_name == "compressor-studio"
    assert "reads the data flow of Python as well as the tokens" in text and "from transformers" not in text
    model = load(tmp_path / "student")
    told = json.loads(run(sys.executable, PIPELINE, tmp_path / "student", given=[CODES[0]]))[0]["said"][0]
    here = predict_once(model, (CODES[0],)).probabilities
    assert {one["label"]: one["score"] for one in told} != pytest.approx(here, abs=1e-5), "else the sentence is wrong"


@pytest.mark.parametrize("folder", bundled_benchmark_students(), ids=lambda folder: folder.name)
def test_the_readme_names_the_base_of_a_recorded_teacher(folder: Path) -> None:
    card = read_card(folder)
    assert card is not None and card.teacher is not None and is_recorded(card.teacher)
    text = (folder / "README.md").read_text("utf-8")
    data: Any = HubCard(text).data
    assert data.base_model == f"microsoft/{folder.name.partition('-')[0]}-base" and data.license == "other"
    assert text == readme(card, folder.name)
    assert "base_model" not in readme(card.replace(base=None), folder.name)


@pytest.mark.parametrize(
    ("base", "known"),
    [
        *((name, True) for name in ("roberta-base", "bert-base-uncased", "distilroberta-base", "albert-xxlarge-v2")),
        *(
            (name, True)
            for name in ("bert-large-uncased-whole-word-masking", "xlm-roberta-large", "FacebookAI/roberta-base")
        ),
        *(
            (name, False)
            for name in ("from-scratch", "my-roberta", "roberta-base-of-mine", "teacher", "classroom-clone")
        ),
        *((name, False) for name in ("./roberta-base", "/models/roberta-base", "teachers/roberta-base")),
    ],
)
@pytest.mark.parametrize("of", ["base", "training", "teacher"])
def test_the_readme_names_a_base_on_the_hub_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, known: bool, of: str
) -> None:
    monkeypatch.chdir(tmp_path)
    values: dict[str, Any] = {of: base} if of != "training" else {of: {"base": base}}
    card = ModelCard(task=Task.VULNERABILITY, labels=LABELS, max_length=64, **values)
    data: Any = HubCard(readme(card, "student")).data
    assert data.get("base_model") == (base if known else None)
    if known:
        (tmp_path / base).mkdir(parents=True)  # a folder of that name comes first, as for train-teacher
        assert "base_model" not in readme(card, "student")


def test_the_tokenizers_file_names_what_every_version_knows(tmp_path: Path) -> None:
    student(tmp_path / "student", pretrained=True)
    values = json.loads((tmp_path / "student" / "tokenizer_config.json").read_text("utf-8"))
    assert (values["tokenizer_class"], values["model_max_length"]) == ("PreTrainedTokenizerFast", 510)
    assert values["pad_token"] == "<pad>" and not {"backend", "is_local"} & set(values)
