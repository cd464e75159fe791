"""The smallest flip on ISOT's unseen articles of at most twelve sentences: seconds, sizes, and a check by brute force.

    python -m benchmarks.flip [--articles N] [--check SENTENCES]

Brute force asks for every set of sentences and knows no order; articles of up to `--check` sentences are checked by it.
An answer that the search had already, of the very same text, is not computed twice. All of ISOT's unseen articles take
about an hour on two cores; the shortest come first, and Ctrl-C ends the run early, with the summary of what was
measured. The last line is JSON.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from benchmarks.results import store  # noqa: E402
from fakenews.classifiers.base import TextClassifier  # noqa: E402
from fakenews.config import Settings  # noqa: E402
from fakenews.explain.flip import MOST_EXACT, smallest_flip, without, worded_sentences  # noqa: E402
from fakenews.services import Services  # noqa: E402

AT_ONCE = 256  # texts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--articles", type=int, help="so many of them, drawn at random; all")
    arguments.add_argument("--check", type=int, default=MOST_EXACT, metavar="SENTENCES")
    arguments.add_argument("--model", default="tinybert")
    options = arguments.parse_args()
    services = Services(Settings.from_environment())
    classifier = services.classifier(options.model)
    seconds, sizes, checked, wrong, unconfirmed, most = [], [], 0, 0, 0, 0
    try:
        for text in sorted(short_articles(services, options.articles), key=lambda text: len(worded_sentences(text))):
            remembering: Any = Remembering(classifier)
            found = smallest_flip(text, remembering)
            seconds.append(found.seconds)
            sizes.append(len(found.removed))
            most = max(most, len(found.sentences))
            if found.removed:
                left = without(text, [found.sentences[i] for i in found.removed])
                unconfirmed += (classifier.predict_proba([left])[0, 0] >= 0.5) == (found.p_before >= 0.5)
            if len(found.sentences) <= options.check:
                wrong += brute_force(text, remembering) != len(found.removed)
                checked += 1
            told = f"{len(found.sentences)} sentences: {len(found.removed)} in {found.seconds:.2f} s"
            print(f"{len(seconds)}: {told}, {wrong} of {checked} wrong", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"stopped after {checked} articles", file=sys.stderr)
    store(
        "flip",
        {
            "model": options.model,
            "articles": len(seconds),
            "most_sentences": most,
            "median_seconds": round(float(np.median(seconds)), 3),
            "p90_seconds": round(float(np.quantile(seconds, 0.9)), 3),
            "with_a_flip": int(np.sum(np.array(sizes) > 0)),
            "sizes": np.bincount(sizes).tolist(),
            "checked_by_brute_force": checked,
            "wrong": wrong,
            "unconfirmed": int(unconfirmed),
        },
    )


class Remembering:
    """A classifier that answers each text once, and the same text again from memory."""

    def __init__(self, classifier: TextClassifier) -> None:
        self.classifier = classifier
        self.known: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.classifier, name)

    def predict_margin(self, texts: Sequence[str]) -> np.ndarray:
        """Log-odds of fake, shape (n_texts,)."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        for at in range(0, len(new), AT_ONCE):
            batch = new[at : at + AT_ONCE]
            self.known.update(zip(batch, self.classifier.predict_margin(batch).tolist(), strict=True))
        return np.array([self.known[text] for text in texts])


def short_articles(services: Services, n: int | None) -> list[str]:
    """Unseen articles of ISOT of two to `MOST_EXACT` sentences, drawn at random."""
    from fakenews.data.mix import with_split
    from fakenews.data.table import joined_texts

    frame = with_split(services.corpus("isot"))
    frame = frame[frame["split"] == "test"].sample(frac=1, random_state=0)
    return [text for text in joined_texts(frame) if 2 <= len(worded_sentences(text)) <= MOST_EXACT][:n]


def brute_force(text: str, classifier: TextClassifier) -> int:
    """Size of the smallest set whose removal turns the answer round, from the answers to all sets; 0 if none."""
    spans = worded_sentences(text)
    sets = [chosen for size in range(len(spans)) for chosen in combinations(spans, size)]
    fake = classifier.calibrated(classifier.predict_margin([without(text, chosen) for chosen in sets])) >= 0.5
    turned = [len(chosen) for chosen, other in zip(sets, fake != fake[0], strict=True) if other]
    return min(turned, default=0)


if __name__ == "__main__":
    main()
