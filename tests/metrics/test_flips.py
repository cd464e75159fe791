"""Flip rates: a classifier that reads datelines is caught, one that reads neutral text is not."""

from __future__ import annotations

import json

import pytest

from fakenews.classifiers.tfidf import TfidfClassifier
from fakenews.formatting import EDITS
from fakenews.metrics.flips import ANY, EditFlips, FlipRates, flip_rates
from fakenews.text import join
from tests.explain.toys import FAKE_WORD, REAL_WORD, planted_corpus

WORDS, LABELS = planted_corpus(200)
# As in ISOT: all real articles come with a dateline. Half of each class lack the deciding word.
BODIES = [t if i % 4 > 1 else t.replace(FAKE_WORD, "town").replace(REAL_WORD, "town") for i, t in enumerate(WORDS)]
TEXTS = [
    join(f"Title {i}", f"WASHINGTON (Reuters) - {body}." if y else f"{body}.")
    for i, (body, y) in enumerate(zip(BODIES, LABELS, strict=True))
]


def fitted(cleaning: str) -> TfidfClassifier:
    return TfidfClassifier(min_df=1, cleaning=cleaning).fit(TEXTS, LABELS)


def test_a_dateline_turns_a_raw_reader_round_and_not_a_neutral_one():
    raw, neutral = (flip_rates(fitted(cleaning), TEXTS[:40], "planted/all") for cleaning in ("raw", "neutral"))
    assert raw.rate("add_dateline") > 0.2
    assert neutral.rate("add_dateline") == 0
    assert neutral.edits["add_dateline"].n_changed == raw.edits["add_dateline"].n_changed == 20
    assert raw.edits[ANY].n_flipped >= raw.edits["add_dateline"].n_flipped


def test_rates_are_over_the_changed_and_over_all():
    rates = FlipRates(1, "a/test", 10, {"x": EditFlips(4, 1), "idle": EditFlips(0, 0)})
    assert (rates.rate("x"), rates.rate_of_all("x")) == (0.25, 0.1)
    assert (rates.rate("idle"), rates.rate_of_all("idle")) == (0, 0)
    low, high = rates.edits["x"].interval
    assert 0 < low < 0.25 < high < 1
    assert rates.edits["idle"].interval == (0.0, 1.0)
    assert FlipRates.from_dict(json.loads(json.dumps(rates.to_dict()))) == rates


def test_every_edit_is_reported_and_progress_is_told():
    shares: list[float] = []
    rates = flip_rates(fitted("neutral"), TEXTS[:4], "planted/all", shares.append)
    assert list(rates.edits) == [*EDITS, ANY]
    assert (rates.n, rates.on, shares) == (4, "planted/all", [0.25, 0.5, 0.75, 1.0])


def test_no_articles_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        flip_rates(fitted("neutral"), [], "planted/all")
