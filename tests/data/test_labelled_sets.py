"""OWASP Benchmark, SVEN and Juliet, in files written here in their published layouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor_core.data.dataset import Split
from compressor_core.data.labelled_sets import juliet, owasp, sven
from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.errors import DataError
from compressor_core.language import Language

RESULTS = "# test name, category, real vulnerability, cwe, Benchmark version: 1.2, 2016-06-1\n"

PYTHON_CASE = """'''
A licence.
'''
from flask import request

def init(app):

\t@app.route('/benchmark/pathtraver-00/BenchmarkTest00006', methods=['GET'])
\tdef BenchmarkTest00006_get():
\t\treturn BenchmarkTest00006_post()

\t@app.route('/benchmark/pathtraver-00/BenchmarkTest00006', methods=['POST'])
\tdef BenchmarkTest00006_post():
\t\tparam = request.cookies.get("BenchmarkTest00006") # the flaw
\t\treturn open(param).read()
"""

JAVA_CASE = """/** A licence */
package org.owasp.benchmark.testcode;

import javax.servlet.http.HttpServlet;

@WebServlet(value = "/sqli-00/BenchmarkTest00008")
public class BenchmarkTest00008 extends HttpServlet {
  private static final long serialVersionUID = 1L;

  @Override
  public void doGet(HttpServletRequest request, HttpServletResponse response) {
    doPost(request, response);
  }

  @Override
  public void doPost(HttpServletRequest request, HttpServletResponse response) {
    // unsafe
    String param = request.getHeader("BenchmarkTest00008");
    response.sendRedirect("/sqli-00/BenchmarkTest00008?x=" + new Test().doSomething(param));
  } // end doPost

  private class Test {
    public String doSomething(String param) { return param; }
  }
}
"""


def test_owasp_for_python(tmp_path: Path) -> None:
    (tmp_path / "testcode").mkdir()
    (tmp_path / "testcode" / "BenchmarkTest00006.py").write_text(PYTHON_CASE, "utf-8")
    (tmp_path / "testcode" / "BenchmarkTest00007.py").write_text(PYTHON_CASE.replace("00006", "00007"), "utf-8")
    cases = (
        "BenchmarkTest00006,pathtraver,true,22\nBenchmarkTest00007,pathtraver,false,22\nBenchmarkTest9,xss,true,79\n"
    )
    (tmp_path / "expectedresults-0.1.csv").write_text(RESULTS + cases)
    dataset = open_dataset("owasp-python", tmp_path)
    first, second = examples_for(dataset, None)
    assert (first.label, first.group, first.origin) == (1, "CWE-22", "BenchmarkTest00006")
    assert second.label == 0 and second.codes == first.codes
    assert "open(param)" in first.codes[0] and "@app.route('/case', methods=['POST'])" in first.codes[0]
    for telling in ("BenchmarkTest", "pathtraver", "flaw", "licence", "_get"):
        assert telling not in first.codes[0]
    assert isinstance(dataset.notes, tuple) and "1 cases" in dataset.notes[0]  # type: ignore[attr-defined]
    with pytest.raises(DataError):
        dataset.examples(Split.TRAIN)


def test_owasp_for_java(tmp_path: Path) -> None:
    folder = tmp_path / "src" / "main" / "java" / "org" / "owasp" / "benchmark" / "testcode"
    folder.mkdir(parents=True)
    (folder / "BenchmarkTest00008.java").write_text(JAVA_CASE, "utf-8")
    (folder / "BenchmarkTest00009.java").write_text(JAVA_CASE.replace("00008", "00009"), "utf-8")
    (tmp_path / "expectedresults-1.2.csv").write_text(
        RESULTS + "BenchmarkTest00008,sqli,true,89\nBenchmarkTest00009,sqli,false,89\n"
    )
    code = owasp(tmp_path, Language.JAVA).examples(Split.TEST)[0].codes[0]
    assert "doPost" in code and "doSomething" in code and '"/case?x="' in code
    for telling in ("BenchmarkTest", "sqli", "unsafe", "licence", "doGet", "serialVersionUID", "package"):
        assert telling not in code


def test_owasp_without_its_results(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no expectedresults-\*.csv: give a checkout"):
        owasp(tmp_path, Language.JAVA)
    (tmp_path / "expectedresults-1.2.csv").write_text(RESULTS + "BenchmarkTest00008,sqli,true,89\n")
    with pytest.raises(DataError, match="has no test case of"):
        owasp(tmp_path, Language.JAVA)


def test_sven(tmp_path: Path) -> None:
    def row(file: str, number: int) -> str:
        before, after = f"def f{number}(x):\n    return eval(x)", f"def f{number}(x):\n    return int(x)"
        found = {"func_name": "f", "func_src_before": before, "func_src_after": after, "file_name": file}
        return json.dumps({**found, "vul_type": "cwe-089", "commit_link": f"github.com/a/b/commit/{number}"}) + "\n"

    for part, numbers in (("train", range(60)), ("val", range(60, 70))):
        path = tmp_path / "data_train_val" / part / "cwe-089.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("".join(row("a.py", n) + row("b.c", 100 + n) for n in numbers), "utf-8")
    dataset = sven(tmp_path, Language.PYTHON)
    assert dataset.size(Split.TEST) == 20
    assert dataset.size(Split.TRAIN) + dataset.size(Split.VALIDATION) == 120
    assert 2 <= dataset.size(Split.VALIDATION) <= 30
    for split in (Split.TRAIN, Split.VALIDATION, Split.TEST):
        examples = dataset.examples(split)
        for unsafe, safe in zip(examples[::2], examples[1::2], strict=True):
            assert (unsafe.label, safe.label, unsafe.group) == (1, 0, "CWE-89")
            assert unsafe.codes[0].replace("eval", "int") == safe.codes[0]
    assert open_dataset("sven-c", tmp_path).size(Split.TEST) == 20
    with pytest.raises(DataError, match="has no pairs of SVEN in java"):
        sven(tmp_path, Language.JAVA)
    path.write_text('{"file_name": "a.py"}\n', "utf-8")
    with pytest.raises(DataError, match="func_src_before"):
        sven(tmp_path, Language.PYTHON)


JULIET = """/* TEMPLATE GENERATED TESTCASE FILE
Filename: {stem}.c
*/
#include "std_testcase.h"
#ifndef OMITBAD
void {stem}_bad()
{{
    int data = -1;
    /* POTENTIAL FLAW */
    fscanf(stdin, "%d", &data);
    {{ int badBuffer[10] = {{ 0 }}; badBuffer[data] = {number}; }}
}}
#endif
#ifndef OMITGOOD
/* goodG2B uses the GoodSource */
static void goodG2B()
{{
    int data = 7;
    {{ int badBuffer[10] = {{ 0 }}; badBuffer[data] = {number}; }}
}}
static void goodB2G() {{ goodG2B(); }}
void {stem}_good()
{{
    goodG2B();
}}
#endif
int main() {{ printLine("Calling bad()..."); {stem}_bad(); return 0; }}
"""


def test_juliet(tmp_path: Path) -> None:
    for number in range(40):
        for variant in ("01", "02", "22a"):
            stem = f"CWE121_Stack_Based_Buffer_Overflow__CWE129_kind{number}_{variant}"
            path = tmp_path / "testcases" / "CWE121" / f"{stem}.c"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(JULIET.format(stem=stem, number=100 * number + int(variant[:2])), "utf-8")
    same = "CWE121_Stack_Based_Buffer_Overflow__both_01"
    (tmp_path / f"{same}.c").write_text(f"void {same}_bad()\n{{ f(); }}\nstatic void good1()\n{{ f(); }}\n", "utf-8")
    dataset = juliet(tmp_path)
    parts = {split: dataset.examples(split) for split in (Split.TRAIN, Split.VALIDATION, Split.TEST)}
    assert sum(map(len, parts.values())) == 40 * 2 * 2
    templates = {split: {e.origin.split("_kind")[1].split("_")[0] for e in parts[split]} for split in parts}
    assert not templates[Split.TRAIN] & templates[Split.TEST]
    for example in (e for examples in parts.values() for e in examples):
        assert example.group == "CWE-121"
        assert example.label == int("_bad" in example.origin.split(", ")[1])
        assert not any(word in example.codes[0].lower() for word in ("bad", "good", "cwe", "flaw", "/*", "static"))
    assert "1 functions are left out" in dataset.notes[0]
    assert "void name1()" in parts[Split.TEST][0].codes[0]
    with pytest.raises(DataError, match="has no test case of Juliet"):
        juliet(tmp_path / "nothing")
