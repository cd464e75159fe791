"""What share of articles that scored alike is labeled fake: planted probabilities, each corpus counting alike."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from fakenews.evidence.protocols import LEFT_OUT
from fakenews.evidence.reliability import GRID, Reliability, reliability, share_like_this


def rows(corpus: str, n: int, seed: int, share=lambda p: p) -> pd.DataFrame:
    """Articles with probabilities all over, of which `share` of the probability are fake."""
    rng = np.random.default_rng(seed)
    p_fake = rng.random(n)
    label = np.where(rng.random(n) < share(p_fake), 0, 1)
    return pd.DataFrame({"protocol": LEFT_OUT, "corpus": corpus, "label": label, "p_fake": p_fake})


def test_of_calibrated_probabilities_the_share_is_the_probability():
    found = reliability(rows("one", 20_000, 0))
    assert found is not None and found.p_fake == GRID and found.n == 20_000
    np.testing.assert_allclose(found.share_fake[2:-2], GRID[2:-2], atol=0.03)
    assert list(found.share_fake) == sorted(found.share_fake)
    assert share_like_this(found, 0.525) == pytest.approx(np.mean(found.share_fake[9:11]))
    assert share_like_this(found, 0.999) == found.share_fake[-1]
    assert Reliability.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_every_corpus_counts_alike_however_large():
    fake = rows("large", 9_000, 0, lambda p: np.ones_like(p))
    real = rows("small", 1_000, 1, lambda p: np.zeros_like(p))
    found = reliability(pd.concat([fake, real], ignore_index=True))
    np.testing.assert_allclose(found.share_fake, 0.5, atol=0.06)


def test_a_curve_never_falls():
    found = reliability(rows("one", 2_000, 0, lambda p: 1 - p))
    assert np.ptp(found.share_fake) < 1e-9


def test_what_was_not_left_out_does_not_count():
    in_domain = rows("one", 100, 0).assign(protocol="grouped")
    assert reliability(in_domain) is None
    assert reliability(pd.concat([in_domain, rows("two", 50, 1)], ignore_index=True)).n == 50
