"""Table of models and baselines in the honest exam for docs/results, as Markdown, with the verdicts.

python -m benchmarks.exam MODEL… [--names NAME…] [--dataset classroom-vulnerability|classroom-clone] [--by-weakness]
"""

from __future__ import annotations

import argparse
import sys

from compressor_core.evaluate.exam import sit_exam
from compressor_core.evaluate.settings import ExamSettings
from compressor_core.figures.compare.exam import exam_info, group_rows, markdown, markdown_of
from compressor_core.progress import bar, finish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--names", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--dataset", default="classroom-vulnerability")
    parser.add_argument(
        "--by-weakness", action="store_true", help="also print the accuracy on hand-written functions by kind"
    )
    options = parser.parse_args()
    settings = ExamSettings(models=tuple(options.models), names=tuple(options.names), dataset=options.dataset)
    with bar(sys.stderr, shown=sys.stderr.isatty()) as show:
        summary = finish(sit_exam(settings), show)
    assert summary is not None
    info = exam_info(summary)
    print(markdown(info))
    for one in info.all:
        print(f"- {one.name}: {one.verdict or one.note}")
    if options.by_weakness:
        rows = [{name: f"{value:.0f}" if isinstance(value, float) else value for name, value in row.items()}
                for row in group_rows(info)]  # fmt: skip
        print(f"\n{markdown_of(rows)}")


if __name__ == "__main__":
    main()
