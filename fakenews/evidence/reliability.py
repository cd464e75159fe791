"""How often articles of publishers never seen in training were labeled fake, by the probability they were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.evidence.protocols import LEFT_OUT
from fakenews.schema import FAKE, JsonValue

if TYPE_CHECKING:
    import pandas as pd

GRID = tuple(round(0.05 * i, 2) for i in range(1, 20))  # probabilities of fake
NEAREST = 0.15  # share of the weight of all articles that is looked at for each


@dataclass(frozen=True, slots=True)
class Reliability(JsonValue):
    """A reliability curve on corpora left out of training, each counting alike."""

    p_fake: tuple[float, ...]  # probabilities of fake, ascending
    # Weighted share labeled fake among the articles nearest to each in probability; never falling
    share_fake: tuple[float, ...]
    n: int  # articles


def reliability(rows: pd.DataFrame) -> Reliability | None:
    """Measure the curve on rows of `predictions.parquet`; None where no corpus was left out.

    The probabilities of a corpus come from a calibration that did not see it. The curve is made monotone by isotonic
    regression: Barlow et al., "Statistical Inference under Order Restrictions" (1972).
    """
    from sklearn.isotonic import isotonic_regression

    rows = rows[rows["protocol"] == LEFT_OUT]
    if not len(rows):
        return None
    weight = corpus_weights(rows)
    p_fake, fake = rows["p_fake"].to_numpy(dtype=np.float64), rows["label"].to_numpy() == FAKE
    shares = []
    for p in GRID:
        order = np.argsort(np.abs(p_fake - p), kind="stable")
        below = np.searchsorted(np.cumsum(weight[order]), NEAREST * weight.sum())
        nearest = order[: below + 1]
        shares.append(float(weight[nearest] @ fake[nearest] / weight[nearest].sum()))
    curve = np.round(isotonic_regression(shares), 4)
    return Reliability(GRID, tuple(curve.tolist()), len(rows))


def corpus_weights(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Give weights of rows, shape (n,), by which each corpus counts alike: those of a corpus sum to 1."""
    sizes = rows.groupby("corpus")["corpus"].transform("size").to_numpy(dtype=np.float64)
    return np.asarray(1.0 / sizes, dtype=np.float64)


def share_like_this(curve: Reliability, p_fake: float) -> float:
    """Interpolate the share labeled fake among articles that were given about this probability."""
    return float(np.interp(p_fake, curve.p_fake, curve.share_fake))
