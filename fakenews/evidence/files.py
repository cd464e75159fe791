"""The evidence beside a model: what was answered, and the figures that follow from it.

`predictions.parquet` is measured, and `evaluation.json` is computed from it; `contradictions` says where they disagree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fakenews.evidence.predictions import judged
from fakenews.evidence.protocols import PROTOCOLS, SHIPPED, get, of_corpus
from fakenews.evidence.reliability import reliability
from fakenews.evidence.results import OWN_WEIGHTS, SHIPPED_WEIGHTS, ModelEvidence, ProtocolResult
from fakenews.metrics.coverage import CoverageRisk, coverage_risk
from fakenews.metrics.evaluation import Evaluation, evaluate
from fakenews.metrics.flips import FlipRates
from fakenews.metrics.verdicts import Verdicts, verdicts

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
    "margin": "float32",
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

    Parameters
    ----------
    folder : Path
    predictions : DataFrame
        Columns of `PREDICTION_TYPES`, one row per protocol and article; others (texts above all) are not written.
    model, protocol, seed, cleaning, training, size_mb, latency_ms, calibration
        See `ModelEvidence`.
    own_training : mapping of str to mapping, optional
        By protocol that had weights of its own: `ProtocolResult.training`.
    formatting : mapping of str to FlipRates, optional
        By protocol: `ProtocolResult.formatting`.

    Raises
    ------
    ValueError
        If a column is missing, a protocol is unknown, or the numbers are bad (`metrics.check_arrays`).
    """
    missing = [name for name in PREDICTION_TYPES if name not in (*predictions.columns, IN_DOMAIN)]
    if missing:
        raise ValueError(f"Predictions lack the columns {', '.join(missing)}.")
    # As they will be read back, so that whoever recomputes the metrics finds the same ones.
    frame = predictions.reindex(columns=list(PREDICTION_TYPES)).fillna({IN_DOMAIN: 0.0}).astype(PREDICTION_TYPES)
    present = {get(name).name for name in frame["protocol"].unique()}
    frame = _stacked([frame[frame["protocol"] == name] for name in PROTOCOLS if name in present])
    own, flips = own_training or {}, formatting or {}
    curves, given = coverage_of_predictions(frame), verdicts_of_predictions(frame)
    results = {
        name: ProtocolResult(
            OWN_WEIGHTS if name in own else SHIPPED_WEIGHTS,
            own.get(name, {}),
            corpora,
            curves[name],
            flips.get(name),
            given.get(name, {}),
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
    _write_evaluation(folder, evidence)
    return evidence


def _write_evaluation(folder: Path, evidence: ModelEvidence) -> None:
    text = json.dumps(evidence.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / EVALUATION).write_text(f"{text}\n", encoding="utf-8")


def update_evidence(
    folder: Path,
    predictions: pd.DataFrame,
    own_training: Mapping[str, Mapping[str, Any]],
    formatting: Mapping[str, FlipRates],
    **facts: Any,
) -> ModelEvidence:
    """Replace what `folder` holds of the protocols in `predictions`; the other protocols stay as they are.

    `facts` replace those of `ModelEvidence`, such as `latency_ms`; see `write_evidence` for the rest.
    """
    before = read_evaluation(folder)
    new = set(predictions["protocol"])
    kept = {name: result for name, result in before.protocols.items() if name not in new}
    rows = read_predictions(folder, None)
    settings = {f.name: getattr(before, f.name) for f in fields(before) if f.name not in ("protocols", "reliability")}
    return write_evidence(
        folder,
        _stacked([rows[rows["protocol"].isin(list(kept))], predictions]),
        own_training={n: r.training for n, r in kept.items() if r.weights == OWN_WEIGHTS} | dict(own_training),
        formatting={n: r.formatting for n, r in kept.items() if r.formatting is not None} | dict(formatting),
        **(settings | facts),
    )


def bring_up_to_date(folder: Path) -> bool:
    """Rewrite evidence of schema 1, which knew one protocol, in the present layout; whether there was any to rewrite.

    No number changes: rows and evaluations are only told apart by the protocol they always belonged to.
    """
    import pandas as pd

    values = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
    if values.pop("schema", None) != 1:
        return False
    stored = {name: Evaluation.from_dict(evaluation) for name, evaluation in values.pop("corpora").items()}
    evidence = write_evidence(folder, with_protocol(pd.read_parquet(folder / PREDICTIONS)), **values)
    protocols = {
        name: replace(result, corpora={part: stored.get(part, e) for part, e in result.corpora.items()})
        for name, result in evidence.protocols.items()
    }
    _write_evaluation(folder, replace(evidence, protocols=protocols))
    return True


def with_protocol(predictions: pd.DataFrame) -> pd.DataFrame:
    """Predictions of shipped weights on whole articles, each row with its protocol (`protocols.of_corpus`)."""
    both = predictions.groupby(["corpus", "split"])["label"].transform("nunique") > 1
    names = [
        of_corpus(corpus, split, two)
        for corpus, split, two in zip(predictions["corpus"], predictions["split"], both, strict=True)
    ]
    return predictions.assign(protocol=names)


def evaluate_predictions(
    predictions: pd.DataFrame, *, threshold: float = 0.5, seed: int = 42
) -> dict[str, dict[str, Evaluation]]:
    """By protocol and "corpus/split" of the columns of `PREDICTION_TYPES`, in order of appearance: an evaluation."""
    return _by_part(predictions, lambda labels, p_fake: evaluate(labels, p_fake, threshold=threshold, seed=seed))


def coverage_of_predictions(predictions: pd.DataFrame) -> dict[str, dict[str, CoverageRisk]]:
    """By protocol and "corpus/split", in order of appearance: how error falls with coverage."""
    return _by_part(predictions, coverage_risk)


def verdicts_of_predictions(predictions: pd.DataFrame) -> dict[str, dict[str, Verdicts]]:
    """By protocol and "corpus/split", in order of appearance: verdicts given, and how many were right (`judged`)."""
    found: dict[str, dict[str, Verdicts]] = {}
    for (protocol, corpus, split), rows in judged(predictions).groupby(_PART, sort=False):
        found.setdefault(protocol, {})[f"{corpus}/{split}"] = verdicts(rows["prediction"], rows["label"])
    return found


def _by_part(predictions: pd.DataFrame, measure: Callable[[Any, Any], Value]) -> dict[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {}
    for (protocol, corpus, split), rows in predictions.groupby(_PART, sort=False):
        value = measure(rows["label"].to_numpy(), rows["p_fake"].to_numpy())
        found.setdefault(protocol, {})[f"{corpus}/{split}"] = value
    return found


def read_evaluation(folder: Path) -> ModelEvidence:
    """Read the `evaluation.json` of a model's folder.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If its layout has another version.
    """
    return ModelEvidence.from_dict(json.loads((folder / EVALUATION).read_text(encoding="utf-8")))


def read_predictions(folder: Path, protocols: Collection[str] | None = SHIPPED) -> pd.DataFrame:
    """Read the `predictions.parquet` of a model's folder: the columns of `PREDICTION_TYPES`, no text.

    `protocols` names those wanted, those of the model as it is if left out; None gives every row.
    """
    import pandas as pd

    wanted = None if protocols is None else [("protocol", "in", list(protocols))]
    rows = pd.read_parquet(folder / PREDICTIONS, filters=wanted)
    if IN_DOMAIN not in rows:
        rows[IN_DOMAIN] = np.float32(0.0)
    return rows[list(PREDICTION_TYPES)]


def side_by_side(answers: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """What models said of the articles that all of them answered: rows of `read_predictions`, by model.

    The columns of `ARTICLE`, and for each model one of its name with its `column`; in the order of the first model.
    """
    import pandas as pd

    said = [rows.set_index(ARTICLE)[column].rename(model) for model, rows in answers.items()]
    return pd.concat(said, axis="columns", join="inner").reset_index()


def contradictions(folder: Path) -> tuple[str, ...]:
    """Where `evaluation.json` does not follow from `predictions.parquet`; empty where all is well."""
    evidence, rows = read_evaluation(folder), read_predictions(folder, None)
    curves, given = coverage_of_predictions(rows), verdicts_of_predictions(rows)
    found = {
        f"{protocol} {name}": _leaves(e, curves[protocol][name], given.get(protocol, {}).get(name))
        for protocol, corpora in evaluate_predictions(rows, seed=evidence.seed).items()
        for name, e in corpora.items()
    }
    told = {
        f"{protocol} {name}": _leaves(e, result.coverage[name], result.verdicts.get(name))
        for protocol, result in evidence.protocols.items()
        for name, e in result.corpora.items()
    }
    problems = []
    for name in sorted({*found, *told}):
        if name not in found or name not in told:
            where = PREDICTIONS if name in found else EVALUATION
            problems.append(f"{evidence.model}: {name} is in {where} only.")
            continue
        stated, computed = told[name], found[name]
        for key in sorted({*stated, *computed}):
            a, b = stated.get(key), computed.get(key)
            if not _same(a, b):
                problems.append(f"{evidence.model}: {name} states {key} {a}, the predictions give {b}.")
    if evidence.reliability != reliability(rows):
        problems.append(f"{evidence.model}: the reliability stated is not what the predictions give.")
    return tuple(problems)


def recompute(folder: Path) -> None:
    """Bring the metrics in `evaluation.json` to what `predictions.parquet` gives, as where one is computed anew.

    A number that follows from the predictions stays to its last digit, and so does everything that is no metric.
    """
    evidence = read_evaluation(folder)
    rows = read_predictions(folder, None)
    found = evaluate_predictions(rows, seed=evidence.seed)
    curves, given = coverage_of_predictions(rows), verdicts_of_predictions(rows)
    protocols = {
        name: replace(
            result,
            corpora={
                part: Evaluation.from_dict(_where_same(result.corpora[part].to_dict(), e.to_dict()))
                for part, e in found[name].items()
            },
            coverage={
                part: CoverageRisk.from_dict(_where_same(result.coverage[part].to_dict(), curve.to_dict()))
                for part, curve in curves[name].items()
            },
            verdicts=given.get(name, {}),
        )
        for name, result in evidence.protocols.items()
    }
    _write_evaluation(folder, replace(evidence, protocols=protocols, reliability=reliability(rows)))


def _same(a: Any, b: Any) -> bool:
    """Whether two leaves of a JSON value agree: other processors and library versions may differ in the last digits."""
    if a == b or isinstance(a, str | None) or isinstance(b, str | None):
        return bool(a == b)
    return isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def _where_same(stated: Any, computed: Any) -> Any:
    """The JSON value `computed`, with the leaves of `stated` where these agree."""
    if isinstance(computed, Mapping):
        return {name: _where_same(stated.get(name), value) for name, value in computed.items()}
    if isinstance(computed, list):
        return [_where_same(a, b) for a, b in zip(stated, computed, strict=True)]
    return stated if _same(stated, computed) else computed


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def _leaves(evaluation: Evaluation, curve: CoverageRisk, given: Verdicts | None) -> dict[str, Any]:
    told = {"coverage": curve.to_dict(), "verdicts": given.to_dict() if given else None}
    return _flat({**evaluation.to_dict(), **told})


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Leaves of a nested JSON value by their path."""
    if isinstance(value, Mapping):
        items: Iterable[tuple[str, Any]] = value.items()
    elif isinstance(value, list):
        items = ((str(i), v) for i, v in enumerate(value))
    else:
        return {name: value}
    return {k: v for key, inner in items for k, v in _flat(inner, f"{name}.{key}" if name else key).items()}
