"""Keep the evidence beside a shipped model true: replace what one protocol gave, find what does not follow, mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.evidence.files import (
    EVALUATION,
    PREDICTIONS,
    coverage_of_predictions,
    evaluate_predictions,
    read_evaluation,
    read_predictions,
    verdicts_of_predictions,
    write_evaluation,
    write_evidence,
)
from fakenews.evidence.protocols import of_corpus
from fakenews.evidence.reliability import reliability
from fakenews.evidence.results import OWN_WEIGHTS, ModelEvidence
from fakenews.metrics.coverage import CoverageRisk
from fakenews.metrics.evaluation import Evaluation
from fakenews.metrics.flips import FlipRates
from fakenews.metrics.verdicts import Verdicts

if TYPE_CHECKING:
    import pandas as pd


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
    import pandas as pd

    before = read_evaluation(folder)
    new = set(predictions["protocol"])
    unchanged = {name: result for name, result in before.protocols.items() if name not in new}
    rows = read_predictions(folder, None)
    settings = {f.name: getattr(before, f.name) for f in fields(before) if f.name not in ("protocols", "reliability")}
    return write_evidence(
        folder,
        pd.concat([rows[rows["protocol"].isin(list(unchanged))], predictions], ignore_index=True),
        own_training={n: r.training for n, r in unchanged.items() if r.weights == OWN_WEIGHTS} | dict(own_training),
        formatting={n: r.formatting for n, r in unchanged.items() if r.formatting is not None} | dict(formatting),
        **(settings | facts),
    )


def bring_up_to_date(folder: Path) -> bool:
    """Rewrite evidence of schema 1, which knew one protocol, in the present layout; whether there was any to rewrite.

    No number changes: rows and evaluations only get the protocol they always belonged to.
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
    write_evaluation(folder, replace(evidence, protocols=protocols))
    return True


def with_protocol(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return predictions of shipped weights on whole articles, each row with its protocol (`protocols.of_corpus`)."""
    both = predictions.groupby(["corpus", "split"])["label"].transform("nunique") > 1
    names = [
        of_corpus(corpus, split, two)
        for corpus, split, two in zip(predictions["corpus"], predictions["split"], both, strict=True)
    ]
    return predictions.assign(protocol=names)


def contradictions(folder: Path) -> tuple[str, ...]:
    """Return where `evaluation.json` does not follow from `predictions.parquet`; empty where all is well."""
    evidence, rows = read_evaluation(folder), read_predictions(folder, None)
    curves, verdicts = coverage_of_predictions(rows), verdicts_of_predictions(rows)
    differences = {
        f"{protocol} {name}": _leaves(e, curves[protocol][name], verdicts.get(protocol, {}).get(name))
        for protocol, corpora in evaluate_predictions(rows, seed=evidence.seed).items()
        for name, e in corpora.items()
    }
    stated_leaves = {
        f"{protocol} {name}": _leaves(e, result.coverage[name], result.verdicts.get(name))
        for protocol, result in evidence.protocols.items()
        for name, e in result.corpora.items()
    }
    problems = []
    for name in sorted({*differences, *stated_leaves}):
        if name not in differences or name not in stated_leaves:
            where = PREDICTIONS if name in differences else EVALUATION
            problems.append(f"{evidence.model}: {name} is in {where} only.")
            continue
        stated, computed = stated_leaves[name], differences[name]
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
    evaluations = evaluate_predictions(rows, seed=evidence.seed)
    curves, verdicts = coverage_of_predictions(rows), verdicts_of_predictions(rows)
    protocols = {
        name: replace(
            result,
            corpora={
                part: Evaluation.from_dict(_where_same(result.corpora[part].to_dict(), e.to_dict()))
                for part, e in evaluations[name].items()
            },
            coverage={
                part: CoverageRisk.from_dict(_where_same(result.coverage[part].to_dict(), curve.to_dict()))
                for part, curve in curves[name].items()
            },
            verdicts=verdicts.get(name, {}),
        )
        for name, result in evidence.protocols.items()
    }
    write_evaluation(folder, replace(evidence, protocols=protocols, reliability=reliability(rows)))


def _same(a: Any, b: Any) -> bool:
    """Return whether two leaves of a JSON value agree up to the last digits, which hardware decides."""
    if a == b or isinstance(a, str | None) or isinstance(b, str | None):
        return bool(a == b)
    return isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def _where_same(stated: Any, computed: Any) -> Any:
    """Return the JSON value `computed`, with the leaves of `stated` where these agree."""
    if isinstance(computed, Mapping):
        return {name: _where_same(stated.get(name), value) for name, value in computed.items()}
    if isinstance(computed, list):
        return [_where_same(a, b) for a, b in zip(stated, computed, strict=True)]
    return stated if _same(stated, computed) else computed


def _leaves(evaluation: Evaluation, curve: CoverageRisk, verdicts: Verdicts | None) -> dict[str, Any]:
    others = {"coverage": curve.to_dict(), "verdicts": verdicts.to_dict() if verdicts else None}
    return _flat({**evaluation.to_dict(), **others})


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of a nested JSON value by their path."""
    if isinstance(value, Mapping):
        items: Iterable[tuple[str, Any]] = value.items()
    elif isinstance(value, list):
        items = ((str(i), v) for i, v in enumerate(value))
    else:
        return {name: value}
    return {k: v for key, inner in items for k, v in _flat(inner, f"{name}.{key}" if name else key).items()}
