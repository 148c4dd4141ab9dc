"""The page of an exported model in real Chromium, from a file and without a network: it answers as Python does."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from torch import nn

from compressor_core.architecture import Architecture
from compressor_core.bundled import bundled_students, bundled_teacher
from compressor_core.cache import CACHE_VARIABLE
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone
from compressor_core.data.dataset import Split
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.export.web import web_page
from compressor_core.export.web_runtime import web_runtime
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.released import read_released
from compressor_core.models.student import build
from compressor_core.paper import Encoder
from compressor_core.task import PairFeatures, Task
from tests import released

FUNCTIONS = [example.codes[0] for example in ClassroomVulnerability().examples(Split.VALIDATION)[:200]]
PAIRS = [example.codes for example in ClassroomClone().examples(Split.VALIDATION)[:24]]
GERMAN = 'def begrüßen(größe):\n    """Grüßt jede Straße."""\n    return f"Guten Tag, {größe}! Ä Ö Ü ẞ"\n'
CHINESE = "def 计算(数据):\n    # 计算平均值，返回结果\n    return sum(数据) / len(数据)\n"
EMOJI = 'def party(n):\n    return "🎉🎊 👩‍👩‍👧‍👦 🇩🇪 👍🏽" * n  # 😀\n'
TABS = "int\tadd(int a,\tint b)\n{\n\t\treturn a\t+ b;\t\n}\n"
CRLF = "def f(x):\r\n\r\n\r\n    y = x\r\n\r\n    return y\r\n"
MARKUP = "<s>def f():</s> return '<pad>' # </s> a <unk> <b>bold</b> </script><script>document.title = 'x'</script>"
LONG = "\n".join(FUNCTIONS[:12])
WORD = "x = '" + "aGVsbG8" * 600 + "'"
ODD = [GERMAN, CHINESE, EMOJI, TABS, CRLF, MARKUP, LONG, WORD]


@dataclass(frozen=True)
class Made:
    """A model and its page."""

    classifier: Classifier
    page: Path


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Classifier, str], Made]]:
    """Export a model and write its page; skips where onnxruntime-web can be had neither from a cache nor a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.getbasetemp() / "cache"))
        try:
            web_runtime()
        except ModelError as error:
            pytest.skip(str(error))
        folder = tmp_path_factory.mktemp("pages")

        def write(classifier: Classifier, name: str) -> Made:
            export_onnx(classifier.model, folder / f"{name}.onnx")
            web_page(classifier, folder / f"{name}.onnx", folder / f"{name}.html")
            return Made(classifier, folder / f"{name}.html")

        yield write


def student(task: Task, features: PairFeatures | None, max_length: int, labels: tuple[str, str]) -> Classifier:
    """Seeded weights, larger than those that training starts from, so that the answers differ."""
    torch.manual_seed(1)
    architecture = Architecture(1000, 48, 3, 4, 64)
    model = build(architecture, task, features or PairFeatures.COMPARE, labels=labels)
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, nn.Linear):
                part.weight.mul_(1.6)
    card = ModelCard(task=task, labels=labels, max_length=max_length, architecture=architecture, pair_features=features)
    return Classifier(model.eval(), train_tokenizer(FUNCTIONS, 1000), card)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[Made], Page]]:
    """Open a page from its file, offline, and wait until it is ready; nothing else may be asked for, nor any error."""
    contexts, requests, troubles = [], [], []

    def go(made: Made) -> Page:
        context = browser.new_context()
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.goto(made.page.as_uri())
        expect(page.locator("#status")).to_contain_text("Ready", timeout=60_000)
        assert requests == [made.page.as_uri()]
        requests.clear()
        return page

    yield go
    for context in contexts:
        context.close()
    assert requests == [] and troubles == []


def answer(page: Page, codes: Sequence[str]) -> tuple[str, list[float]]:
    """The label and the probabilities that the page shows."""
    for number, code in enumerate(codes, start=1):
        page.locator(f"#code-{number}").fill(code)
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#result")).to_be_visible(timeout=20_000)
    label, milliseconds, *figures = page.evaluate(
        """[document.getElementById("label").textContent, document.getElementById("milliseconds").textContent,
            ...Array.from(document.querySelectorAll("[data-value]"), (each) => Number(each.dataset.value))]"""
    )
    assert float(milliseconds.removesuffix(" ms")) > 0
    return label, figures


def compare(page: Page, made: Made, examples: Sequence[tuple[str, ...]]) -> list[float]:
    """Assert that the page says what Python says; returns the probabilities of the second label."""
    wanted = torch.softmax(made.classifier.logits(examples).double(), -1).tolist()
    for codes, probabilities in zip(examples, wanted, strict=True):
        label, found = answer(page, codes)
        assert found == pytest.approx(probabilities, abs=1e-4), codes
        assert label == made.classifier.card.labels[probabilities.index(max(probabilities))]
    return [second for _, second in wanted]


def tokens_in_the_page(page: Page, codes: Sequence[str]) -> list[list[int]]:
    """The ids that the page's tokenizer gives each text."""
    ids: list[list[int]] = page.evaluate(
        """codes => {
            const tokenize = makeTokenizer(JSON.parse(document.getElementById("tokenizer").textContent));
            return codes.map((code) => tokenize(code).ids);
        }""",
        list(codes),
    )
    return ids


def tokens(classifier: Classifier, codes: Sequence[str]) -> list[list[int]]:
    """The ids that Python's tokenizer gives each text."""
    return [function.ids for (function,) in classifier.encode([(code,) for code in codes])]


def odd_texts() -> list[str]:
    """Texts that tokenizers get wrong: every kind of space, case and sign, and seeded mixtures of them."""
    kinds = [
        *(
            "",
            " ",
            "\n \n",
            "\ufeffx",
            "a\x00b",
            "'s I'LL don't 'RE''ve",
            "x" * 3000,
            "ab" * 2000,
            "=-" * 900,
            "  " * 500,
        ),
        *(
            "</s",
            "<S> <PAD>",
            "a</s>b",
            " <s> ",
            "<unk><unk>",
            "ΑΣ ΣΑΣ Σ ς",
            "İSTANBUL ıI",
            "ǅ ǈ ŉ ﬁ",
            "e\u0301 \u0301x",
        ),
        *(
            "x\u00a0y",
            "x\u2028y\u2029",
            "x\u3000\u3000y",
            "a\u200bb\u180ec",
            "٣٤ ²½ Ⅻ ৪",
            "日本語 テスト。한국어",
            "\U0001d4d0𐐀 𐐨",
        ),
        *(
            "a\x1cb\x1d\x1e\x1f c",
            "\x85x\x85 y\x85",
            "\t\x0b\x0cx\r\r\n",
            "if(a&&b||!c){d<<=2;}",
            "ẞ ß Å Å",
            "🏳️‍🌈🇩🇪👍🏽",
        ),
    ]
    rng = random.Random(7)
    alphabet = "aZ9_ ().=\n\t'\"äßÉıΣжЯ中文字한٣½😀\u00a0\u2003\x85\x1c\u200d\ufe0f\u0301</s>"
    return kinds + ["".join(rng.choices(alphabet, k=rng.randint(1, 80))) for _ in range(150)]


@pytest.fixture(scope="module")
def vulnerability(make: Callable[[Classifier, str], Made]) -> Made:
    return make(student(Task.VULNERABILITY, None, 128, ("safe", "vulnerable")), "vulnerability")


@pytest.fixture(scope="module")
def clone(make: Callable[[Classifier, str], Made]) -> Made:
    return make(student(Task.CLONE, PairFeatures.COMPARE, 96, ("different", "clone")), "clone")


def test_one_function(vulnerability: Made, visit: Callable[[Made], Page]) -> None:
    page = visit(vulnerability)
    positive = compare(page, vulnerability, [(code,) for code in FUNCTIONS[:20] + ODD])
    assert max(positive) - min(positive) > 0.05  # it reads its input
    answer(page, [LONG])
    expect(page.locator("#read")).to_contain_text("longer than the 128 tokens")


def test_two_functions(clone: Made, visit: Callable[[Made], Page]) -> None:
    page = visit(clone)
    positive = compare(page, clone, [*PAIRS[:20], (GERMAN, CHINESE), (CRLF, TABS), (LONG, EMOJI), (MARKUP, WORD)])
    assert max(positive) - min(positive) > 0.05
    assert answer(page, (GERMAN, CHINESE)) != answer(page, (CHINESE, CHINESE))


@pytest.mark.parametrize("dataset", ["classroom-vulnerability", "classroom-clone"])
def test_a_trained_model(dataset: str, make: Callable[[Classifier, str], Made], visit: Callable[[Made], Page]) -> None:
    made = make(load(bundled_teacher(dataset)), dataset)
    examples = [(code,) for code in [*FUNCTIONS[:5], GERMAN]] if "vuln" in dataset else [*PAIRS[:5], (GERMAN, CRLF)]
    positive = compare(visit(made), made, examples)
    assert min(positive) < 0.1 and max(positive) > 0.9


def test_a_model_in_8_bits(
    make: Callable[[Classifier, str], Made], visit: Callable[[Made], Page], tmp_path: Path
) -> None:
    """Against the same file in Python; now and then a processor rounds an activation to the other of two steps."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    made = make(load(bundled_students("classroom-vulnerability")[-1]), "student")
    float32, int8 = made.page.with_suffix(".onnx"), tmp_path / "int8.onnx"
    quantize_dynamic(float32, int8, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    web_page(made.classifier, int8, tmp_path / "int8.html")
    page, session = visit(replace(made, page=tmp_path / "int8.html")), open_onnx(int8)
    differences = []
    for code in FUNCTIONS[:20]:
        logits = torch.from_numpy(run_onnx(session, made.classifier.encode([(code,)])[0]))
        wanted = torch.softmax(logits, -1)[0].tolist()
        differences.append(max(abs(a - b) for a, b in zip(answer(page, [code])[1], wanted, strict=True)))
    assert max(differences) < 5e-3 and sum(one < 1e-5 for one in differences) >= 16, differences


def test_a_published_student(
    make: Callable[[Classifier, str], Made], visit: Callable[[Made], Page], tmp_path: Path
) -> None:
    """Its tokenizer begins each piece with a blank, and its head reads the bare states of two functions."""
    files = released.write(tmp_path, task=Task.CLONE)
    made = make(read_released(*files, Encoder.CODEBERT, Task.CLONE, heads=released.HEADS), "published")
    page = visit(made)
    compare(page, made, [(CRLF, GERMAN), (TABS, LONG)])
    texts = FUNCTIONS[:40] + ODD + odd_texts()
    assert tokens_in_the_page(page, texts) == tokens(made.classifier, texts)


def test_the_tokens_are_the_same(vulnerability: Made, visit: Callable[[Made], Page]) -> None:
    texts = FUNCTIONS + ODD + odd_texts()
    wanted = tokens(vulnerability.classifier, texts)
    assert max(map(len, wanted)) == 128 and min(map(len, wanted)) == 2
    assert tokens_in_the_page(visit(vulnerability), texts) == wanted


def test_bad_input_is_one_sentence(vulnerability: Made, clone: Made, visit: Callable[[Made], Page]) -> None:
    page = visit(vulnerability)
    answer(page, ["def f(): pass"])
    for code, sentence in (
        ("", "The box is empty: paste a function."),
        (" \n\t\n", "The box is empty"),
        ("MZ\x00\x01", "The box holds binary data"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "The box holds a Git LFS pointer"),
        (("x" * 199 + "\n") * 5_000, "The box holds 1,000,000 characters: paste one function, of at most 200,000."),
    ):
        page.locator("#code-1").evaluate("(box, text) => { box.value = text }", code)  # typing takes Chromium long
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#status")).to_contain_text(sentence)
        expect(page.locator("#result")).to_be_hidden()
    page = visit(clone)
    page.locator("#code-1").fill("def f(): pass")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_have_text("The second box is empty: paste a function.")


def test_what_the_card_says_is_shown_as_it_is(
    make: Callable[[Classifier, str], Made], visit: Callable[[Made], Page]
) -> None:
    labels = ("<i>fine</i>", "</script><script>document.title = 'taken'</script>")
    plain = student(Task.VULNERABILITY, None, 64, labels)
    card = plain.card.replace(dataset="<img src=x>", teacher="/models/a & b")
    page = visit(make(replace(plain, card=card), "markup"))
    label, _ = answer(page, [MARKUP])
    assert label in labels and page.title() == "Is this function vulnerable?"
    shown = page.locator("body").inner_text()
    assert all(text in shown for text in (*labels, "<img src=x>", "a & b")) and "/models" not in shown


def test_the_page_may_not_connect(browser: Browser, vulnerability: Made) -> None:
    """Its policy refuses even what needs no network."""
    page = browser.new_page()
    page.goto(vulnerability.page.as_uri())
    assert page.evaluate("fetch('data:,x').then(() => 'connected', () => 'refused')") == "refused"
    page.close()
