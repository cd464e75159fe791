"""The minimal counterfactual on unseen short articles of ISOT: seconds, sizes, and a check by brute force.

    python -m benchmarks.flip [--articles N] [--check SENTENCES] [--rows FILE] [--part I N]

Brute force asks for every set of sentences and knows no order; articles of up to `--check` sentences are checked by it.
An answer that the search had already, of the very same text, is not computed twice. All of ISOT's unseen articles take
hours on two cores; the shortest come first, and Ctrl-C ends the run early, with the summary of what was measured. With
`--rows`, each article's line is kept there, and those that have one are not measured again: so a run can be taken up,
or shared among processes with a part of the articles each. The last line is JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from benchmarks.results import store  # noqa: E402
from fakenews.classifiers.base import Scores, TextClassifier  # noqa: E402
from fakenews.config import Settings  # noqa: E402
from fakenews.engine import Engine  # noqa: E402
from fakenews.explain.counterfactual import MOST_EXACT, minimal_counterfactual, without, worded_sentences  # noqa: E402

AT_ONCE = 256  # texts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--articles", type=int, help="so many of them, drawn at random; all")
    arguments.add_argument("--check", type=int, default=MOST_EXACT, metavar="SENTENCES")
    arguments.add_argument("--model", default="tinybert")
    arguments.add_argument("--rows", type=Path, metavar="FILE", help="of lines of JSON, one for each article")
    arguments.add_argument(
        "--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"), help="every Nth, from the Ith"
    )
    options = arguments.parse_args()
    engine = Engine.open(Settings.from_environment())
    classifier = engine.pool.classifier(options.model)
    known: dict[str, dict[str, Any]] = {}
    if options.rows and options.rows.exists():
        lines = options.rows.read_text(encoding="utf-8").splitlines()
        known = {row["article"]: row for row in map(json.loads, lines)}
    rows: list[dict[str, Any]] = []
    articles = sorted(short_articles(engine, options.articles), key=lambda text: len(worded_sentences(text)))
    try:
        for text in articles[options.part[0] :: options.part[1]]:
            article = hashlib.sha256(text.encode()).hexdigest()[:16]
            row = known.get(article) or {"article": article, **measured(text, classifier, options.check)}
            rows.append(row)
            if options.rows and article not in known:
                with options.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
            wrong = sum(row["wrong"] is True for row in rows)
            told = f"{row['sentences']} sentences: {row['removed']} in {row['seconds']:.2f} s, {wrong} wrong so far"
            print(f"{len(rows)}: {told}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"stopped after {len(rows)} articles", file=sys.stderr)
    if not rows:
        sys.exit("Nothing was measured.")
    seconds, sizes = [row["seconds"] for row in rows], [row["removed"] for row in rows]
    store(
        "flip",
        {
            "model": options.model,
            "articles": len(rows),
            "most_sentences": max(row["sentences"] for row in rows),
            "median_seconds": round(float(np.median(seconds)), 3),
            "p90_seconds": round(float(np.quantile(seconds, 0.9)), 3),
            "with_a_flip": int(np.sum(np.array(sizes) > 0)),
            "sizes": np.bincount(sizes).tolist(),
            "checked_by_brute_force": sum(row["wrong"] is not None for row in rows),
            "wrong": sum(row["wrong"] is True for row in rows),
            "unconfirmed": sum(row["unconfirmed"] for row in rows),
        },
    )


def measured(text: str, classifier: TextClassifier, check: int) -> dict[str, Any]:
    """Measure the minimal counterfactual of one article: seconds, and whether a check denies it."""
    remembering: Any = Remembering(classifier)
    found = minimal_counterfactual(text, remembering)
    denied = False
    if found.removed:
        left = without(text, [found.sentences[i] for i in found.removed])
        denied = bool((classifier.predict_proba([left])[0, 0] >= 0.5) == (found.p_before >= 0.5))
    wrong = brute_force(text, remembering) != len(found.removed) if len(found.sentences) <= check else None
    return {
        "sentences": len(found.sentences),
        "removed": len(found.removed),
        "seconds": round(found.seconds, 3),
        "wrong": wrong,
        "unconfirmed": denied,
    }


class Remembering:
    """A classifier that answers each text once, and the same text again from memory."""

    def __init__(self, classifier: TextClassifier) -> None:
        self.classifier = classifier
        self.known: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.classifier, name)

    def decision_function(self, texts: Sequence[str]) -> np.ndarray:
        """Return the log-odds of fake, shape (n_texts,)."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        for at in range(0, len(new), AT_ONCE):
            batch = new[at : at + AT_ONCE]
            self.known.update(zip(batch, self.classifier.decision_function(batch).tolist(), strict=True))
        return np.array([self.known[text] for text in texts])


def short_articles(engine: Engine, n: int | None) -> list[str]:
    """Return unseen articles of ISOT of two to `MOST_EXACT` sentences, drawn at random."""
    from fakenews.data.mix import with_split
    from fakenews.data.table import joined_texts

    frame = with_split(engine.evidence.corpus("isot"))
    frame = frame[frame["split"] == "test"].sample(frac=1, random_state=0)
    return [text for text in joined_texts(frame) if 2 <= len(worded_sentences(text)) <= MOST_EXACT][:n]


def brute_force(text: str, classifier: TextClassifier) -> int:
    """Return the size of the smallest set whose removal flips the prediction, by all sets; 0 if none."""
    spans = worded_sentences(text)
    sets = [chosen for size in range(len(spans)) for chosen in combinations(spans, size)]
    margins = classifier.decision_function([without(text, chosen) for chosen in sets])
    in_domain = classifier.predict_scores([text]).in_domain
    fake = classifier.calibrated(Scores(margins, np.broadcast_to(in_domain, margins.shape))) >= 0.5
    turned = [len(chosen) for chosen, other in zip(sets, fake != fake[0], strict=True) if other]
    return min(turned, default=0)


if __name__ == "__main__":
    main()
