"""Fit how far a text lies from the training data, and the threshold on held-out articles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fakenews.classifiers.base import OutOfDomainDetector, TextClassifier, clean_text
from fakenews.verdict import MIN_WORDS

QUANTILE = 0.99  # one held-out article in a hundred may be called unlike the training data
ARTICLES = 1000  # of training and held-out articles at most: enough for 64 centroids and for one in a hundred


def fit_ood(classifier: TextClassifier, train: Sequence[str], held_out: Sequence[str], on: str, seed: int = 42) -> bool:
    """Set what `OutOfDomainDetector` promises; costs a pass over up to 1,000 training and 1,000 held-out texts.

    Its `info_["novelty"]` is set: threshold, quantile, where it was fitted (`on`, "corpus/split") and on how many
    articles. Held-out texts are of the same kind; those with fewer words than a verdict needs do not count. Return
    False where the classifier has no measure of its own, or no held-out text is long enough; nothing is set then.
    """
    rng = np.random.default_rng(seed)
    sample = [held_out[i] for i in sorted(rng.permutation(len(held_out))[:ARTICLES])]
    long = [text for text in sample if len(clean_text(text).words) >= MIN_WORDS]
    if not isinstance(classifier, OutOfDomainDetector) or not long:
        return False
    classifier.fit_ood([train[i] for i in sorted(rng.permutation(len(train))[:ARTICLES])], seed)
    _, distances = classifier.predict_with_ood_score(long)
    classifier.info_["novelty"] = {
        "threshold": round(float(np.quantile(distances, QUANTILE)), 4),
        "quantile": QUANTILE,
        "fitted_on": on,
        "n": len(long),
    }
    return True
