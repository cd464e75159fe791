"""The stock packages `shap` and `lime` on the same model, text and words: what ours can be checked against.

Their own code draws the samples and fits the weights, at their defaults. Here a classifier is only wrapped as the
function that they call: log-odds of fake with words removed, in single precision, counted, with progress and cancel.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.explain.base import MAX_PLACES, MaskedLogOdds, Progress, SampleRange, WordExplainer, WordWeights

_GONE = "#"  # stands for a removed word in what LIME hands over; words are numbers there
_GLOBAL_RANDOM = threading.Lock()
_WAIT = 0.2  # seconds between two reports of progress while another explanation holds it


class _LibraryExplainer(WordExplainer):
    samples: ClassVar[SampleRange]

    def default_samples(self, text: str, classifier: TextClassifier) -> int:
        """Return the library's default, or what memory allows of a long text."""
        return min(self.samples.default, MAX_PLACES // max(1, len(clean_text(text).words)))


class LibraryShapExplainer(_LibraryExplainer):
    """`shap.Explainer` on a text: its partition explainer, Owen values over its own tree of neighboring words.

    Its `maskers.Text` gets our words in place of a tokenizer's pieces. `base_value` has every word removed; weights and
    base sum to the log-odds. Lundberg and Lee, NeurIPS 2017 (arXiv:1705.07874).
    """

    name: ClassVar[str] = "shap-library"
    samples = SampleRange("evaluations", default=500, minimum=16, maximum=20_000)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress, known: float | None
    ) -> Iterator[WordWeights]:
        log_odds = MaskedLogOdds(text, classifier, n_samples, progress, known, coarse=False)
        n_words = len(clean_text(text).words)
        if n_words == 1:  # of which it has no tree
            base, full = log_odds(np.array([[False], [True]])).tolist()
            values = np.array([full - base])
        else:
            import shap

            masker = shap.maskers.Text(_Words(text), mask_token=-1, collapse_mask_token=False, output_type="token_ids")
            explainer = shap.Explainer(lambda words: log_odds(np.asarray(words) >= 0), masker, seed=seed)
            with _seeded(seed, progress):
                found = explainer([text], max_evals=n_samples, silent=True)
            values, base = found.values[0], float(found.base_values[0])
            full = float(log_odds(np.ones((1, n_words), dtype=bool))[0])
        yield WordWeights(
            np.asarray(values, dtype=np.float64),
            base_value=base,
            log_odds=full,
            settings={"evaluations": log_odds.n_evaluated, "max_evaluations": n_samples, "library": _library("shap")},
        )


class LibraryLimeExplainer(_LibraryExplainer):
    """`lime.lime_text.LimeTextExplainer`, with a weight for each occurrence of a word, and all of them kept.

    Its text is a number for each of our words, so that what it removes is known by its position. `base_value` is its
    intercept, `fidelity` its R². Ribeiro, Singh and Guestrin, KDD 2016 (arXiv:1602.04938).
    """

    name: ClassVar[str] = "lime-library"
    samples = SampleRange("samples", default=5_000, minimum=20, maximum=50_000)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress, known: float | None
    ) -> Iterator[WordWeights]:
        from lime.lime_text import LimeTextExplainer

        log_odds = MaskedLogOdds(text, classifier, n_samples, progress, known, coarse=False)
        n_words = len(clean_text(text).words)

        def both_classes(texts: list[str]) -> NDArray[np.float64]:
            values = log_odds(np.array([[word != _GONE for word in numbers.split()] for numbers in texts]))
            return np.column_stack([values, -values])

        explainer = LimeTextExplainer(split_expression=r"\s+", bow=False, mask_string=_GONE, random_state=seed)
        numbers = " ".join(map(str, range(n_words)))
        found = explainer.explain_instance(
            numbers, both_classes, labels=(0,), num_features=n_words, num_samples=n_samples
        )
        weights = np.zeros(n_words)
        index, values = zip(*found.local_exp[0], strict=True)
        weights[list(index)] = values
        yield WordWeights(
            weights,
            base_value=float(found.intercept[0]),
            log_odds=float(log_odds(np.ones((1, n_words), dtype=bool))[0]),
            fidelity=float(found.score),
            settings={"samples": n_samples, "evaluations": log_odds.n_evaluated, "library": _library("lime")},
        )


class _Words:
    """Our words of one text, as the tokenizer that `shap.maskers.Text` calls: numbers, and where they stand."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, text: str, return_offsets_mapping: bool = False) -> dict[str, list[Any]]:
        spans = clean_text(self._text).source_spans if text == self._text else ()
        return {"input_ids": list(range(len(spans))), "offset_mapping": [(s.start, s.end) for s in spans]}


@contextmanager
def _seeded(seed: int, progress: Progress) -> Iterator[None]:
    """Seed numpy's global generator, from which `shap` breaks ties, and restore it; one explanation at a time."""
    while not _GLOBAL_RANDOM.acquire(timeout=_WAIT):
        progress(0.0)
    before = np.random.get_state()
    try:
        np.random.seed(seed)
        yield
    finally:
        np.random.set_state(before)
        _GLOBAL_RANDOM.release()


def _library(package: str) -> str:
    return f"{package} {version(package)}"
