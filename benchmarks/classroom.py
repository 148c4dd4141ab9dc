"""Difficulty of the classroom tasks: baselines without a model of code and the teacher, on the same test split.

python -m benchmarks.classroom [--task vulnerability|clone] [MODEL …]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone, overlap, tokens
from compressor_core.data.dataset import Example, Split

EPOCHS = 2
"""Draws of the training split that the baseline learns from; more did not improve it."""


def bag_of_tokens(longest: int, dataset: ClassroomVulnerability) -> float:
    """Test accuracy of logistic regression on token n-grams, with regularisation chosen by validation accuracy.

    Tokens are words and single punctuation characters; a feature is the presence of an n-gram of up to `longest`
    tokens.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    def texts(examples: Sequence[Example]) -> list[str]:
        return [example.codes[0] for example in examples]

    def labels(examples: Sequence[Example]) -> list[int]:
        return [example.label for example in examples]

    train = [example for epoch in range(EPOCHS) for example in dataset.examples(Split.TRAIN, epoch)]
    validation, test = dataset.examples(Split.VALIDATION), dataset.examples(Split.TEST)
    words = CountVectorizer(token_pattern=r"\w+|[^\w\s]", ngram_range=(1, longest), binary=True, min_df=2)
    features = words.fit_transform(texts(train))
    models = [LogisticRegression(C=c, max_iter=1000).fit(features, labels(train)) for c in (0.03, 0.1, 0.3, 1.0)]
    best = max(models, key=lambda m: float(m.score(words.transform(texts(validation)), labels(validation))))
    return float(best.score(words.transform(texts(test)), labels(test)))


def token_overlap(dataset: ClassroomClone) -> float:
    """Test accuracy of the Jaccard similarity of tokens, with the threshold chosen on the same test pairs."""
    test = dataset.examples(Split.TEST)
    similarity = np.array([overlap(*map(tokens, example.codes)) for example in test])
    labels = np.array([example.label for example in test])
    return max(float(((similarity >= threshold) == labels).mean()) for threshold in np.unique(similarity))


def baselines(dataset: ClassroomVulnerability | ClassroomClone) -> Iterator[tuple[str, float]]:
    """Names and test accuracies of the baselines."""
    if isinstance(dataset, ClassroomClone):
        yield "token overlap, best threshold of all", token_overlap(dataset)
    else:
        yield "bag of tokens, logistic regression", bag_of_tokens(1, dataset)
        yield "bag of tokens and pairs of tokens, logistic regression", bag_of_tokens(2, dataset)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("vulnerability", "clone"), default="vulnerability")
    parser.add_argument("models", type=Path, nargs="*", help="model folders; by default the bundled teacher")
    options = parser.parse_args()
    dataset = ClassroomClone() if options.task == "clone" else ClassroomVulnerability()
    test = dataset.examples(Split.TEST)
    print(f"{len(test)} test examples from {len({e.origin for e in test})} modules, data {dataset.fingerprint}")
    for name, accuracy in baselines(dataset):
        print(f"{accuracy:.2%}  {name}")

    from compressor_core.bundled import bundled_teacher
    from compressor_core.evaluate.comparison import evaluate
    from compressor_core.evaluate.settings import EvaluateSettings

    for folder in options.models or [bundled_teacher(dataset.name)]:
        scores = evaluate(EvaluateSettings(model=folder, dataset=dataset.name))
        print(f"{scores.accuracy:.2%}  {folder.name}")
        for group in sorted(scores.groups, key=lambda g: g.accuracy):
            print(f"    {group.accuracy:.1%} of {group.examples:>4} {group.group}")


if __name__ == "__main__":
    main()
