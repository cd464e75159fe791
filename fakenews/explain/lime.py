"""LIME by its own library, position-aware: each word of the text is a feature, repeated words are several.

The library never sees the article: it perturbs a string of word indices, and what it removed is read back as
a mask. So nothing in a text (markup, its own mask word, white space) can be mistaken for something else.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, read
from fakenews.explain.base import MaskedMargins, Progress, SampleRange, WordExplainer, WordWeights
from fakenews.schema import FAKE, LABELS

SAMPLES = SampleRange("samples", default=300, minimum=20, maximum=5000)
_REMOVED = "-"


class LimeExplainer(WordExplainer):
    """Weights of a linear model fitted to the margins of variants with words removed.

    Ribeiro, Singh and Guestrin, «Why Should I Trust You?», KDD 2016 (arXiv:1602.04938), by `lime`: ridge regression,
    cosine kernel. We differ from its defaults in fitting log-odds instead of probabilities, in the number of
    samples, and in keeping every word. `base_value` is the local intercept, `fidelity` the weighted R² of the local
    model on the samples it was fitted to: with fewer samples than words it flatters.
    """

    name: ClassVar[str] = "lime"
    samples: ClassVar[SampleRange | None] = SAMPLES

    def supports(self, classifier: object) -> bool:
        """Whether words can be removed for this classifier: true of all."""
        return isinstance(classifier, TextClassifier)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress
    ) -> WordWeights:
        from lime.lime_text import LimeTextExplainer

        n_words = len(read(text).words)
        margins = MaskedMargins(text, classifier, n_samples, progress)

        def columns(variants: list[str]) -> NDArray[np.float64]:
            keep = np.empty((len(variants), n_words), dtype=bool)
            for row, variant in zip(keep, variants, strict=True):
                row[:] = [index != _REMOVED for index in variant.split(" ")]
            fake = margins(keep)
            return np.stack([fake, -fake], axis=1)  # columns LABELS

        lime = LimeTextExplainer(
            class_names=LABELS,
            feature_selection="none",
            split_expression=" ",
            bow=False,
            mask_string=_REMOVED,
            random_state=seed,
        )
        local = lime.explain_instance(
            " ".join(map(str, range(n_words))), columns, labels=(FAKE,), num_features=n_words, num_samples=n_samples
        )
        weights = np.zeros(n_words)
        for index, weight in local.local_exp[FAKE]:
            weights[index] = weight
        return WordWeights(
            weights,
            base_value=float(local.intercept[FAKE]),
            margin=float(local.predict_proba[FAKE]),  # the library's first variant is the whole text
            fidelity=float(local.score),
            settings={"samples": n_samples, "evaluations": margins.n_evaluated},
        )
