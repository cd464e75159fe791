"""How often an edit of formatting flips a prediction: the formatting test as a metric over a corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fakenews.classifiers.base import TextClassifier, distinct_scores
from fakenews.formatting import EDITS, FORMATTING_VERSION, edited_texts, flips
from fakenews.metrics.evaluation import Interval, wilson_interval
from fakenews.schema import JsonValue

ANY = "any"  # at least one edit of the list


@dataclass(frozen=True, slots=True)
class EditFlips:
    """What one edit did to the answers of one classifier."""

    n_changed: int  # articles that the edit changes
    n_flipped: int  # those whose predicted class changed with it

    @property
    def interval(self) -> Interval:
        """95% Wilson interval of `n_flipped` among `n_changed`; (0, 1) where the edit changes no article."""
        if not self.n_changed:
            return 0.0, 1.0
        return wilson_interval(self.n_flipped, self.n_changed)


@dataclass(frozen=True, slots=True)
class FlipRates(JsonValue):
    """Flip rates of one classifier on one set of articles."""

    version: int  # `formatting.FORMATTING_VERSION` of the list of edits
    on: str  # "corpus/split" of the articles
    n: int  # articles
    # By name of the edit, in the order of `formatting.EDITS`, and "any" for at least one of them
    edits: Mapping[str, EditFlips]

    def rate(self, edit: str) -> float:
        """Share of the articles the edit changes whose predicted class it changed; 0 where it changes none."""
        flip_counts = self.edits[edit]
        return flip_counts.n_flipped / flip_counts.n_changed if flip_counts.n_changed else 0.0

    def rate_of_all(self, edit: str) -> float:
        """Share of all articles whose predicted class the edit changed."""
        return self.edits[edit].n_flipped / self.n

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: counts, both rates and the interval of the first."""
        edits = {
            name: {
                **asdict(flip_counts),
                "rate": self.rate(name),
                "rate_of_all": self.rate_of_all(name),
                "interval": list(flip_counts.interval),
            }
            for name, flip_counts in self.edits.items()
        }
        return {"version": self.version, "on": self.on, "n": self.n, "edits": edits}


def flip_rates(
    classifier: TextClassifier, texts: Sequence[str], on: str, progress: Callable[[float], None] | None = None
) -> FlipRates:
    """Run the formatting test over many articles.

    Cleaning the edits of an article of 400 words takes about a tenth of a second; a classifier that reads neutral
    text is then asked one to five times, one that reads raw text up to seventeen times.

    Raise `ValueError` if there are no texts.

    Parameters
    ----------
    texts : sequence of str
        At least one, as `text.join` makes them.
    on : str
        "corpus/split" they come from.
    progress : callable, optional
        Called with the fraction done, in [0, 1].
    """
    if not texts:
        raise ValueError("Flip rates need at least one article.")
    changed, flipped = dict.fromkeys((*EDITS, ANY), 0), dict.fromkeys((*EDITS, ANY), 0)
    for i, text in enumerate(texts):
        edited = edited_texts(text)
        before, *after = classifier.calibrated(distinct_scores(classifier, (text, *edited))).tolist()
        is_changed = {name: edit != text for name, edit in zip(EDITS, edited, strict=True)}
        is_flipped = {name: flips(before, p) for name, p in zip(EDITS, after, strict=True)}
        for name in EDITS:
            changed[name] += is_changed[name]
            flipped[name] += is_flipped[name]
        changed[ANY] += any(is_changed.values())
        flipped[ANY] += any(is_flipped.values())
        if progress:
            progress((i + 1) / len(texts))
    edits = {name: EditFlips(changed[name], flipped[name]) for name in changed}
    return FlipRates(FORMATTING_VERSION, on, len(texts), edits)
