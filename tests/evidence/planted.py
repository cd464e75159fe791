"""Evidence of planted answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.evidence import with_protocol
from fakenews.classifiers.base import Calibration
from fakenews.evidence.files import write_evidence
from fakenews.metrics.flips import ANY, EditFlips, FlipRates

FLIPS = FlipRates(1, "isot/test", 100, {"add_dateline": EditFlips(80, 2), ANY: EditFlips(100, 3)})


def rows_of(corpus: str, split: str, n: int, noise: float, seed: int) -> pd.DataFrame:
    """Answers to one part of a corpus, the wronger the larger `noise`."""
    rng = np.random.default_rng(seed)
    label = rng.integers(2, size=n)
    margin = np.where(label == 0, 3.0, -3.0) + rng.normal(0, noise, n)
    return pd.DataFrame(
        {
            "id": [f"{corpus}{i:04x}" for i in range(n)],
            "corpus": corpus,
            "split": split,
            "label": label,
            "p_fake": 1 / (1 + np.exp(-margin)),
            "log_odds": margin,
            "text": "never written",
        }
    )


def predictions() -> pd.DataFrame:
    """Answers to planted articles, under five protocols."""
    parts = (
        rows_of("isot", "validation", 150, 2, 0),
        rows_of("isot", "test", 200, 2, 1),
        rows_of("demo", "all", 20, 1, 2),
        rows_of("horne2017", "all", 120, 60, 3),
        rows_of("isot", "test", 90, 1, 4).assign(protocol="seed"),
        rows_of("horne2017", "all", 120, 40, 5).assign(protocol="left-out"),
        rows_of("fakenewsamt", "all", 80, 20, 6).assign(protocol="left-out"),
    )
    rows = pd.concat(parts)
    return rows.assign(protocol=rows["protocol"].fillna(with_protocol(rows)["protocol"]))


def written(folder: Path) -> Path:
    """Evidence of `predictions` in a folder, which it gives."""
    write_evidence(
        folder,
        predictions(),
        model="tinybert",
        seed=42,
        cleaning={"name": "neutral", "version": 1},
        training={"base": "a/b", "epochs": 3, "minutes": 23.6, "device": "cpu", "rows": {"fake": 900, "real": 800}},
        size_mb=29.12,
        latency_ms=85.4,
        calibration={
            "method": "Platt",
            **Calibration(1.2345678, 0.5, 0.25, -0.75).to_dict(),
            "fitted_on": "isot/validation",
        },
        own_training={"seed": {"cleaning": "raw", "minutes": 2.5}},
        formatting={"grouped": FLIPS},
    )
    return folder
