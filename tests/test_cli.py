"""The command line as scripts see it: one JSON object on stdout, one line on stderr, the exit code."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from compressor_core.bundled import bundled_teacher
from compressor_core.cli.main import main
from compressor_core.distill import distillation
from compressor_core.search import Operators, SearchSettings, evolve
from compressor_core.search.replica import replica
from tests import released
from tests.tiny import TINY

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command within this process, since a process of its own spends most of its time on imports."""
    words = [str(argument) for argument in arguments]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def run_alone(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as a process, as a shell starts it."""
    command = [sys.executable, "-m", "compressor_core", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def answer(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    result: dict[str, Any] = json.loads(done.stdout)
    return result


PAPER = ("--vocab-size", 1000, "--hidden-size", 96, "--num-layers", 12, "--num-heads", 8, "--intermediate-size", 64)


def test_cost() -> None:
    found = answer("cost", *PAPER)
    assert found["parameters"] == 756_098 and found["forward_gflops"] == 1.209158016
    pair = answer("cost", *PAPER, "--task", "clone", "--pair-features", "concat")
    assert pair["parameters"] == 774_626
    longer = answer("cost", *PAPER, "--sequence-length", 512)
    assert longer["forward_gflops"] > found["forward_gflops"]
    assert longer["paper_gflops"] == found["paper_gflops"]


def test_search_finds_the_published_architecture() -> None:
    found = answer("search", "--budget-mb", 3, "--constraint", "paper", "--seed", 1)
    assert found["best"]["fitness"] == pytest.approx(2.191536568, abs=1e-9)
    assert found["best"] == found["optimum"] and found["gap"] == 0
    assert found["evaluations"] <= 5050
    assert "best" in run("search", "--generations", 3).stdout


def test_search_with_another_goal_in_ones_own_space(tmp_path: Path) -> None:
    space = tmp_path / "space.json"
    widths = {"from": 16, "to": 128, "step": 16}
    genes = {"vocab_size": [1000, 2000], "hidden_size": widths, "num_hidden_layers": [1, 2]}
    space.write_text(json.dumps({**genes, "num_attention_heads": [1, 4], "intermediate_size": [32, 64]}))
    found = answer("search", "--space", space, "--goal", "size", "--min-gflops", 0.2, "--generations", 20)
    assert found["gap"] == 0 and found["best"]["paper_gflops"] >= 0.2
    assert found["best"]["hidden_size"] in range(16, 129, 16)
    space.write_text(json.dumps(genes))
    for arguments, words in (
        (("--space", space), "lacks ['num_attention_heads', 'intermediate_size']"),
        (("--space", tmp_path / "none.json"), "none.json cannot be read"),
        (("--goal", "latency"), "calibrate it first"),
        (("--calibration", "20260101-000000-calibrate-abcd", "--max-latency-ms", 5), "20260101-000000-calibrate-abcd"),
        (("--constraint", "paper", "--min-gflops", 1), "choose the constraint cap"),
    ):
        refused = run("search", *arguments)
        assert refused.returncode == 2 and words in refused.stderr and refused.stderr.count("\n") == 1


def test_search_with_the_papers_operators_and_again_from_its_json(tmp_path: Path) -> None:
    config = SearchSettings(budget_mb=3, seed=4, generations=12, operators=Operators.PAPER)
    file = tmp_path / "search.json"
    file.write_text(replica(config, evolve(config)).model_dump_json())
    again = answer("search", "--config", file)
    asked = answer("search", "--seed", 4, "--generations", 12, "--operators", "paper")
    assert again["same_trajectory"] is True and again["best"] == asked["best"]
    changed = json.loads(file.read_text())
    changed["config"]["seed"] = 5
    file.write_text(json.dumps(changed))
    assert answer("search", "--config", file)["same_trajectory"] is False
    file.write_text("{}")
    assert "the JSON of a search needs config" in run("search", "--config", file).stderr


def test_the_whole_way_with_pairs(pairs_file: Path, tmp_path: Path) -> None:
    data = ("--dataset", "file", "--data", pairs_file)
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    training = ("--epochs", 1, "--threads", 1, "--max-length", 64)
    answer("train-teacher", *data, *training, "--architecture", TINY, "--pair-features", "concat", "--out", teacher)
    made = answer("distill", "--teacher", teacher, *data, *training[:4], "--budget-mb", 0.2, "--out", student)
    assert 0.1 < made["size_mb"] <= 0.2
    both = answer("compare", teacher, student, *data, "--latency-examples", 5, "--split", "test")
    assert both["labels"] == ["0", "1"] and both["student"]["accuracy"] == made["accuracy"]
    features = [json.loads((folder / "compressor.json").read_text())["pair_features"] for folder in (teacher, student)]
    assert features == ["concat", "compare"]
    code = tmp_path / "code.py"
    code.write_text("def f(x):\n    return x + 1\n")
    prediction = answer("predict", student, code, code)
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    alone = run("predict", student, code)
    assert alone.returncode == 2 and "takes 2 file(s), not 1" in alone.stderr


def test_the_whole_way(labelled_file: Path, tmp_path: Path) -> None:
    data = ("--dataset", "file", "--data", labelled_file)
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    training = ("--epochs", 1, "--threads", 1)
    trained = answer("train-teacher", *data, *training, "--architecture", TINY, "--out", teacher)
    assert trained["model"] == str(teacher) and 0 < trained["accuracy"] < 1
    distilled = answer("distill", "--teacher", teacher, *data, *training, "--architecture", TINY, "--out", student)
    assert distilled["teacher_accuracy"] == trained["accuracy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["student", "teacher"]  # no checkpoint is left
    scores = answer("evaluate", student, *data)
    count = scores["examples"]  # of the file that it learned from, the test split
    assert scores["split"] == "test" and 20 < count < 50 and scores["correct"] == round(count * scores["accuracy"])
    assert answer("evaluate", student, *data, "--split", "all")["examples"] == 300
    both = answer("compare", teacher, student, *data, "--latency-examples", 5)
    assert both["student"]["accuracy"] == scores["accuracy"]
    assert {"teacher", "student", "agreement", "speedup", "mcnemar_p"} <= set(both)
    assert both["students"] == [both["student"]]

    probed = answer("probe", teacher, student, *data, "--language", "python", "--changes", "rename", "--examples", 9)
    assert {"functions", "flips", "agreement"} <= set(probed["changes"]["rename"])

    code = tmp_path / "code.py"
    code.write_text("def f(x):\n    return eval(x)\n")
    prediction = answer("predict", student, code)
    assert set(prediction) == {"label", "probabilities", "milliseconds", "tokens", "read"}
    table = run_alone("evaluate", student, *data)
    assert (table.returncode, table.stdout.partition(" ")[0]) == (0, "examples")


def test_several_students_are_compared(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny_teacher, tmp_path / "copy")
    arguments = ["compare", *map(str, (tiny_teacher, tmp_path / "copy", tiny_teacher)), "--dataset", "file"]
    arguments += ["--data", str(labelled_file), "--latency-examples", "2", "--predictions", str(tmp_path / "said")]
    assert main([*arguments, "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert [side["name"] for side in both["students"]] == ["copy", "teacher"] and both["student"] == both["students"][0]
    assert sorted(path.name for path in (tmp_path / "said").iterdir()) == ["examples.jsonl", "functions.jsonl"]
    assert main(arguments) == 0
    table = capsys.readouterr().out
    assert all(word in table for word in ("Teacher", "copy", "95% interval", "p (Holm)")) and "{" not in table
    assert main([*arguments[:4], *arguments[2:4], *arguments[4:]]) == 2
    assert "is given twice: give each student once" in capsys.readouterr().err


def test_distill_to_a_budget(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    data = ("--dataset", "file", "--data", labelled_file, "--epochs", 1, "--threads", 1)
    found = answer("distill", "--teacher", tiny_teacher, *data, "--budget-mb", 0.3, "--out", tmp_path / "s")
    assert 0.25 < found["size_mb"] <= 0.3


def test_a_file_of_ones_own_layout(tiny_teacher: Path, tmp_path: Path) -> None:
    path = tmp_path / "functions.csv"
    path.write_text("body of it,verdict\nint f() {},ill\nint g() {},well\n,well\n")
    data = ("--dataset", "file", "--data", path, "--columns", "func=body of it,label=verdict", "--positive", "ill")
    assert answer("evaluate", tiny_teacher, *data, "--skip-bad-rows")["examples"] == 2
    refused = run("evaluate", tiny_teacher, *data)
    assert refused.returncode == 2 and f"line 4 of {path} has no code" in refused.stderr


def test_interrupted_and_resumed(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "student"
    arguments = [
        *("distill", "--teacher", tiny_teacher, "--dataset", "file", "--data", labelled_file, "--out", out),
        *("--architecture", "400,16,4,2,16", "--epochs", 8, "--threads", 1, "--json"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "compressor_core", *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 3:"):
            break
    process.kill()
    process.wait()
    assert not out.exists()
    done = run(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    assert "epoch 1:" not in done.stderr and "epoch 8:" in done.stderr


def test_an_interrupt_promises_a_checkpoint_only_where_there_is_one(
    tiny_teacher: Path,
    labelled_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "student"
    arguments = ["distill", "--teacher", str(tiny_teacher), "--dataset", "file", "--data", str(labelled_file)]
    arguments += ["--out", str(out), "--architecture", TINY, "--epochs", "1", "--threads", "1"]

    def interrupted(*_: object, checkpoint: Path, written: bool = False, **__: object) -> NoReturn:
        if written:
            checkpoint.write_bytes(b"a checkpoint")
        raise KeyboardInterrupt

    monkeypatch.setattr(distillation, "distill", interrupted)
    assert main(arguments) == 130 and capsys.readouterr().err == "error: interrupted\n"
    monkeypatch.setattr(distillation, "distill", partial(interrupted, written=True))
    assert main(arguments) == 130 and "--resume goes on from its checkpoint" in capsys.readouterr().err
    monkeypatch.undo()
    (tmp_path / "student.checkpoint.pt").unlink()
    assert main([*arguments, "--resume"]) == 0
    assert "to resume from: the training starts anew" in capsys.readouterr().err and (out / "config.json").is_file()


def test_a_prediction_says_what_it_has_not_read(tiny_teacher: Path, tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("def f(x):\n" + "    x = x + 1\n" * 500)
    (tmp_path / "short.py").write_text("def f(x): return x")
    done = run("predict", tiny_teacher, tmp_path / "long.py", "--json")
    said = json.loads(done.stdout)
    assert said["read"] == [256] and said["tokens"][0] > 1000
    assert (
        f"note: {tmp_path / 'long.py'} has {said['tokens'][0]:,} tokens; the model reads the first 256" in done.stderr
    )
    done = run("predict", tiny_teacher, tmp_path / "short.py", "--json")
    said = json.loads(done.stdout)
    assert said["tokens"] == said["read"] and "tokens" not in done.stderr


def test_import_released(tmp_path: Path) -> None:
    checkpoint, tokenizer = released.write(tmp_path)
    options = ("--tokenizer", tokenizer, "--teacher", "codebert", "--heads", released.HEADS, "--out", tmp_path / "s")
    made = answer("import-released", checkpoint, "--task", "vulnerability", *options)
    assert made["model"] == str(tmp_path / "s") and made["architecture"] == "300,16,2,4,24"
    assert made["parameters"] == 17_298 and made["labels"] == ["safe", "vulnerable"]
    code = tmp_path / "code.c"
    code.write_text(released.CODES[0])
    assert answer("predict", tmp_path / "s", code)["label"] in made["labels"]
    wrong = run("import-released", checkpoint, "--task", "clone", *options)
    assert wrong.returncode == 2 and "choose the task vulnerability" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("search", "--budget-mb", "0"), "budget_mb must be a number above 0"),
        (("search", "--budget-mb", "-3"), "budget_mb must be a number above 0"),
        (("search", "--budget-mb", "nan"), "budget_mb must be a number above 0"),
        (("search", "--budget-mb", "three"), "invalid float"),
        (("search", "--budget-mb", "0.001"), "the smallest"),
        (("search", "--constraint", "soft"), "invalid choice"),
        (("search", "--population", "1"), "population"),
        (("cost", *PAPER[:7], 7, *PAPER[8:]), "does not divide"),
        (("cost", *PAPER, "--sequence-length", "9999"), "512"),
        (("evaluate", "nowhere"), "no model folder"),
        (("predict", "nowhere", "README.md"), "no model folder"),
        (("distill", "--teacher", "x", "--out", "y"), "either --budget-mb or --architecture"),
        (("distill", "--teacher", "nowhere", "--budget-mb", "3", "--out", "y"), "no model folder"),
        (("train-teacher", "--dataset", "imagenet", "--out", "y"), "no dataset 'imagenet'"),
        (("train-teacher", "--dataset", "devign", "--data", "absent.jsonl", "--out", "y"), "no file absent.jsonl"),
        (("train-teacher", "--columns", "func=code", "--out", "y"), "--columns is about a file of your own"),
        (("train-teacher", "--epochs", "0", "--out", "y"), "epochs"),
        (("train-teacher", "--base", "/absent/model", "--out", "y"), "no model folder"),
        (("train-teacher", "--out", "/proc/none/model"), "choose another"),
        (("runs", "show", "../../etc"), "not the id of a run"),
        (("runs", "cancel", "20260101-000000-search-0000"), "20260101-000000-search-0000"),
        (("paint",), "invalid choice"),
        ((), "required"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[object, ...], says: str, tmp_path: Path) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ") and says in line
    assert "Traceback" not in done.stderr
    assert not (ROOT / "y").exists()


LONG = "y" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ("cost", *PAPER, "--calibration", LONG),
        ("search", "--space", LONG),
        ("train-teacher", "--dataset", "file", "--data", LONG, "--out", "t"),
        ("train-teacher", "--out", LONG),
        ("distill", "--teacher", LONG, "--architecture", TINY, "--out", "s"),
        ("distill", "--teacher", f"{LONG}.parquet", "--architecture", TINY, "--out", "s"),
        ("label", "--teacher", LONG, "--out", "a.parquet"),
        ("evaluate", LONG),
        ("predict", "students/classroom-vulnerability", LONG),
        ("compare", LONG, LONG),
        ("probe", LONG, LONG),
        ("export", "students/classroom-vulnerability", "--out", LONG),
        ("import-released", LONG, "--tokenizer", "t", "--teacher", "codebert", "--task", "clone", "--out", "s"),
        ("import-released", "c", "--tokenizer", "t", "--teacher", "codebert", "--task", "clone", "--out", LONG),
        ("push", LONG, "a/b"),
        ("report", LONG, "--out", "r.html"),
    ],
    ids=lambda arguments: " ".join(str(one)[:12] for one in arguments),
)
def test_a_name_that_is_too_long(
    arguments: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_DEBUG", "1")  # so that what nobody foresaw comes through
    monkeypatch.chdir(tmp_path)
    refused = run(*arguments)
    assert refused.returncode == 2 and refused.stdout == ""
    assert refused.stderr.splitlines()[-1].startswith("error: ") and refused.stderr.count("error: ") == 1
    assert not list(tmp_path.iterdir())


def test_a_process_ends_with_the_exit_code() -> None:
    refused = run_alone("search", "--budget-mb", 0)
    assert refused.returncode == 2 and refused.stdout == ""
    assert refused.stderr.startswith("error: ") and refused.stderr.count("\n") == 1
    found = run_alone("cost", *PAPER, "--json")
    assert found.returncode == 0 and found.stderr == ""
    assert json.loads(found.stdout) == answer("cost", *PAPER)


def test_a_prediction_is_of_code(tiny_teacher: Path, tmp_path: Path) -> None:
    files = {"empty.py": b"\n", "a.out": b"\x7fELF\0\0", "long.py": b"x = 1\n" * 170_000, "latin.py": b"s = '\xe9'"}
    files |= {"wide.py": "x = 1".encode("utf-16"), "lfs.py": b"version https://git-lfs.github.com/spec/v1\n"}
    says = (
        *("is empty", "is binary data", "has 1,020,000 bytes", "is not UTF-8 text (byte 6)"),
        *("is UTF-16, not UTF-8 text: save it as UTF-8", "is a Git LFS pointer, not the file itself"),
    )
    for (name, data), words in zip(files.items(), says, strict=True):
        (tmp_path / name).write_bytes(data)
        refused = run("predict", tiny_teacher, tmp_path / name)
        assert refused.returncode == 2 and refused.stderr.count("\n") == 1
        assert refused.stderr.startswith("error: ") and words in refused.stderr
    script = tmp_path / "code.js"
    script.write_text("const f = (a) => a === 2;\n")
    done = run("predict", bundled_teacher("classroom-vulnerability"), script, "--json")
    assert done.returncode == 0 and {"label", "probabilities", "milliseconds"} < set(json.loads(done.stdout))
    assert done.stderr.startswith("note: This code does not read as Python")


def test_runs(tmp_path: Path) -> None:
    from compressor_core.runs import RunStore, launch

    store = RunStore()
    launched = launch(store, "search", {"budget_mb": 3.0, "generations": 2})
    while launched.status().live:
        pass
    (listed,) = answer("runs", "list")["runs"]
    assert listed["id"] == launched.id and listed["state"] == "finished"
    shown = answer("runs", "show", launched.id)
    assert shown["result"]["best"]["size_mb"] <= 3
    assert run("runs", "cancel", launched.id).returncode == 2  # it is over
    assert answer("runs", "delete", launched.id)["deleted"]
    assert answer("runs", "list")["runs"] == []
