"""The evidence beside a model: what was answered, and the figures that follow from it.

`predictions.parquet` is measured, and `evaluation.json` is computed from it; `contradictions` says where they disagree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fakenews.evidence.predictions import judged
from fakenews.evidence.protocols import PROTOCOLS, SHIPPED, get
from fakenews.evidence.reliability import reliability
from fakenews.evidence.results import OWN_WEIGHTS, SHIPPED_WEIGHTS, ModelEvidence, ProtocolResult
from fakenews.metrics.coverage import CoverageRisk, coverage_risk
from fakenews.metrics.evaluation import Evaluation, evaluate
from fakenews.metrics.flips import FlipRates
from fakenews.metrics.verdicts import Verdicts, verdicts
from fakenews.schema import RENAMED

if TYPE_CHECKING:
    import pandas as pd

Value = TypeVar("Value")

EVALUATION, PREDICTIONS, CARD = "evaluation.json", "predictions.parquet", "README.md"
PREDICTION_TYPES = {
    "protocol": "str",
    "id": "str",
    "corpus": "str",
    "split": "str",
    "label": "int8",
    "p_fake": "float32",
    "log_odds": "float32",
    "in_domain": "float32",
}
IN_DOMAIN = "in_domain"  # 0 where a model has no measure, and in files from before it was measured
ARTICLE = ["protocol", "id", "corpus", "split", "label"]  # the columns of `PREDICTION_TYPES` that name it
_PART = ["protocol", "corpus", "split"]


def write_evidence(
    folder: Path,
    predictions: pd.DataFrame,
    *,
    model: str,
    seed: int,
    cleaning: Mapping[str, Any],
    training: Mapping[str, Any],
    size_mb: float,
    latency_ms: float | None,
    calibration: Mapping[str, Any],
    protocol: str = "grouped",
    own_training: Mapping[str, Mapping[str, Any]] | None = None,
    formatting: Mapping[str, FlipRates] | None = None,
) -> ModelEvidence:
    """Write `predictions.parquet` and the `evaluation.json` computed from it into `folder`, created if missing.

    Raise `ValueError` if a column is missing, a protocol is unknown, or the numbers are bad (`metrics.check_arrays`).

    Parameters
    ----------
    predictions : DataFrame
        Columns of `PREDICTION_TYPES`, one row per protocol and article; others (texts above all) are not written.
    model, protocol, seed, cleaning, training, size_mb, latency_ms, calibration
        See `ModelEvidence`.
    own_training : mapping of str to mapping, optional
        By protocol that had weights of its own: `ProtocolResult.training`.
    formatting : mapping of str to FlipRates, optional
        By protocol: `ProtocolResult.formatting`.
    """
    missing = [name for name in PREDICTION_TYPES if name not in (*predictions.columns, IN_DOMAIN)]
    if missing:
        raise ValueError(f"Predictions lack the columns {', '.join(missing)}.")
    # As they will be read back, so that whoever recomputes the metrics finds the same ones.
    frame = predictions.reindex(columns=list(PREDICTION_TYPES)).fillna({IN_DOMAIN: 0.0}).astype(PREDICTION_TYPES)
    present = {get(name).name for name in frame["protocol"].unique()}
    frame = _stacked([frame[frame["protocol"] == name] for name in PROTOCOLS if name in present])
    own, flips = own_training or {}, formatting or {}
    curves, verdicts = coverage_of_predictions(frame), verdicts_of_predictions(frame)
    results = {
        name: ProtocolResult(
            OWN_WEIGHTS if name in own else SHIPPED_WEIGHTS,
            own.get(name, {}),
            corpora,
            curves[name],
            flips.get(name),
            verdicts.get(name, {}),
        )
        for name, corpora in evaluate_predictions(frame, seed=seed).items()
    }
    evidence = ModelEvidence(
        model=model,
        protocol=protocol,
        seed=seed,
        cleaning=cleaning,
        training=training,
        size_mb=size_mb,
        latency_ms=latency_ms,
        calibration=calibration,
        protocols=results,
        reliability=reliability(frame),
    )
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / PREDICTIONS, index=False, compression="zstd")
    write_evaluation(folder, evidence)
    return evidence


def write_evaluation(folder: Path, evidence: ModelEvidence) -> None:
    """Write `evaluation.json` into a model's folder."""
    text = json.dumps(evidence.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / EVALUATION).write_text(f"{text}\n", encoding="utf-8")


def evaluate_predictions(
    predictions: pd.DataFrame, *, threshold: float = 0.5, seed: int = 42
) -> dict[str, dict[str, Evaluation]]:
    """Evaluate each protocol and "corpus/split" of the columns of `PREDICTION_TYPES`, in order of appearance."""
    return _by_part(predictions, lambda labels, p_fake: evaluate(labels, p_fake, threshold=threshold, seed=seed))


def coverage_of_predictions(predictions: pd.DataFrame) -> dict[str, dict[str, CoverageRisk]]:
    """Measure how error falls with coverage, by protocol and "corpus/split", in order of appearance."""
    return _by_part(predictions, coverage_risk)


def verdicts_of_predictions(predictions: pd.DataFrame) -> dict[str, dict[str, Verdicts]]:
    """Count verdicts given and right ones, by protocol and "corpus/split", in order of appearance."""
    by_protocol: dict[str, dict[str, Verdicts]] = {}
    for (protocol, corpus, split), rows in judged(predictions).groupby(_PART, sort=False):
        by_protocol.setdefault(protocol, {})[f"{corpus}/{split}"] = verdicts(rows["prediction"], rows["label"])
    return by_protocol


def _by_part(predictions: pd.DataFrame, measure: Callable[[Any, Any], Value]) -> dict[str, dict[str, Value]]:
    by_protocol: dict[str, dict[str, Value]] = {}
    for (protocol, corpus, split), rows in predictions.groupby(_PART, sort=False):
        value = measure(rows["label"].to_numpy(), rows["p_fake"].to_numpy())
        by_protocol.setdefault(protocol, {})[f"{corpus}/{split}"] = value
    return by_protocol


def read_evaluation(folder: Path) -> ModelEvidence:
    """Read the `evaluation.json` of a model's folder.

    Raise `FileNotFoundError` if there is none; `ValueError` if its layout has another version.
    """
    return ModelEvidence.from_dict(json.loads((folder / EVALUATION).read_text(encoding="utf-8")))


def read_predictions(folder: Path, protocols: Collection[str] | None = SHIPPED) -> pd.DataFrame:
    """Read the `predictions.parquet` of a model's folder: the columns of `PREDICTION_TYPES`, no text.

    `protocols` names those wanted, those of the model as it is if left out; None gives every row.
    """
    import pandas as pd

    wanted = None if protocols is None else [("protocol", "in", list(protocols))]
    rows = pd.read_parquet(folder / PREDICTIONS, filters=wanted).rename(columns=RENAMED)
    if IN_DOMAIN not in rows:
        rows[IN_DOMAIN] = np.float32(0.0)
    return rows[list(PREDICTION_TYPES)]


def side_by_side(answers: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """Return the rows of `read_predictions`, by model, of the articles that all of them answered.

    The columns of `ARTICLE`, and for each model one of its name with its `column`; in the order of the first model.
    """
    import pandas as pd

    columns = [rows.set_index(ARTICLE)[column].rename(model) for model, rows in answers.items()]
    return pd.concat(columns, axis="columns", join="inner").reset_index()


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, ignore_index=True)
