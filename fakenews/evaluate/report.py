"""The evidence kept beside a model, and the prose generated from it.

`predictions.parquet` is measured, `evaluation.json` is computed from it, and the model card and the README's table are
written from that; `contradictions` says where the files of a folder disagree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fakenews.data.registry import DATASETS, is_foreign_article_corpus
from fakenews.evaluate.coverage import COVERAGES, CoverageRisk, coverage_risk
from fakenews.evaluate.digits import (
    METRIC_NAMES,
    Metric,
    against_guessing,
    metric_text,
    percent_text,
    share_text,
    size_text,
)
from fakenews.evaluate.flips import ANY, FlipRates
from fakenews.evaluate.metrics import Evaluation, evaluate, of_guessing
from fakenews.evaluate.protocols import LEFT_OUT, PROTOCOLS, SHIPPED, get, of_corpus
from fakenews.evaluate.reliability import Reliability, reliability
from fakenews.evaluate.verdicts import Verdicts, judged, verdicts

if TYPE_CHECKING:
    import pandas as pd

Value = TypeVar("Value")

SCHEMA = 2
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
SUMMARY, RESULTS = "summary", "results"  # what is generated in README.md and in docs/evaluation.md
DEMO = "demo"  # articles written for the demo: shown, but no evidence of accuracy
SHIPPED_WEIGHTS, OWN_WEIGHTS = "shipped", "own"
_PART = ["protocol", "corpus", "split"]
_TABLE_METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
_FROM_EASY_TO_HARD = ("seed", "one-corpus", "grouped", "title-only", "time", LEFT_OUT)


@dataclass(frozen=True, slots=True)
class ProtocolResult:
    """What a model reached under one protocol of `protocols.PROTOCOLS`.

    Attributes
    ----------
    weights : {"shipped", "own"}
        Whether the model answered as it is, or was fitted again for this protocol.
    training : mapping
        Of its own weights: cleaning, rows, minutes, calibration …; empty for the shipped ones.
    corpora : mapping of str to Evaluation
        By "corpus/split", as "isot/test".
    coverage : mapping of str to CoverageRisk
        Of the same articles.
    formatting : FlipRates or None
        How formatting moves the answers; None where it was not measured.
    verdicts : mapping of str to Verdicts
        Of the same articles; empty where the model was fitted again on other rows or text.
    """

    weights: str
    training: Mapping[str, Any]
    corpora: Mapping[str, Evaluation]
    coverage: Mapping[str, CoverageRisk]
    formatting: FlipRates | None = None
    verdicts: Mapping[str, Verdicts] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "weights": self.weights,
            "training": dict(self.training),
            "corpora": {name: evaluation.to_dict() for name, evaluation in self.corpora.items()},
            "coverage": {name: curve.to_dict() for name, curve in self.coverage.items()},
            "formatting": self.formatting.to_dict() if self.formatting else None,
            "verdicts": {name: found.to_dict() for name, found in self.verdicts.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ProtocolResult:
        """Inverse of `to_dict`."""
        formatting = values["formatting"]
        return cls(
            values["weights"],
            dict(values["training"]),
            {name: Evaluation.from_dict(evaluation) for name, evaluation in values["corpora"].items()},
            {name: CoverageRisk.from_dict(curve) for name, curve in values["coverage"].items()},
            FlipRates.from_dict(formatting) if formatting else None,
            {name: Verdicts.from_dict(found) for name, found in values.get("verdicts", {}).items()},
        )


@dataclass(frozen=True, slots=True)
class ModelEvidence:
    """How a model was made and what it reached: the content of `evaluation.json`.

    Attributes
    ----------
    model : str
        Key of the classifier in the registry.
    protocol : str
        How the shipped weights were trained: the protocol of their split.
    seed : int
        Of the split, the training and the bootstrap.
    cleaning : mapping
        "name" and "version" of the text function.
    training : mapping
        Whatever the trainer tells: base, epochs, minutes, device, rows …
    size_mb : float
        Files of the model, millions of bytes.
    latency_ms : float or None
        Milliseconds per article on two CPU cores; None where it was not measured.
    calibration : mapping
        "method", the numbers of `classifiers.base.Calibration` and the split it was "fitted_on".
    protocols : mapping of str to ProtocolResult
        By name of the protocol, in the order of `protocols.PROTOCOLS`.
    reliability : Reliability or None
        How often articles of corpora left out of training were labeled fake, by probability; None without such.
    """

    model: str
    protocol: str
    seed: int
    cleaning: Mapping[str, Any]
    training: Mapping[str, Any]
    size_mb: float
    latency_ms: float | None
    calibration: Mapping[str, Any]
    protocols: Mapping[str, ProtocolResult]
    reliability: Reliability | None = None

    @property
    def corpora(self) -> dict[str, Evaluation]:
        """Evaluations of the model as it is on whole articles, by "corpus/split": the protocols `SHIPPED`, in one."""
        return {k: e for name in SHIPPED if name in self.protocols for k, e in self.protocols[name].corpora.items()}

    @property
    def unseen(self) -> dict[str, tuple[Evaluation, CoverageRisk]]:
        """Corpora of whole articles, of both classes, that the weights which answered never saw; by name.

        Of a corpus that was left out of training and of the others, where a model has answers of both kinds.
        """
        return {n: (result.corpora[part], result.coverage[part]) for n, (result, part) in self._unseen_parts().items()}

    @property
    def verdicts_unseen(self) -> dict[str, Verdicts]:
        """Verdicts on the corpora of `unseen`, where they were counted."""
        parts = self._unseen_parts()
        return {name: result.verdicts[part] for name, (result, part) in parts.items() if part in result.verdicts}

    def _unseen_parts(self) -> dict[str, tuple[ProtocolResult, str]]:
        found = {}
        for protocol in ("external", LEFT_OUT):
            result = self.protocols.get(protocol)
            for part, evaluation in (result.corpora if result else {}).items():
                corpus = part.partition("/")[0]
                if result and is_foreign_article_corpus(corpus) and evaluation.roc_auc is not None:
                    found[corpus] = (result, part)
        return {name: found[name] for name in DATASETS if name in found}

    def to_dict(self) -> dict[str, Any]:
        """JSON form, with the version of its layout under "schema"."""
        facts = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            "schema": SCHEMA,
            **{name: dict(v) if isinstance(v, Mapping) else v for name, v in facts.items()},
            "protocols": {name: result.to_dict() for name, result in self.protocols.items()},
            "reliability": self.reliability.to_dict() if self.reliability else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelEvidence:
        """Inverse of `to_dict`.

        Raises
        ------
        ValueError
            If the layout has another version.
        """
        rest = dict(values)
        schema = rest.pop("schema", None)
        if schema != SCHEMA:
            raise ValueError(
                f"Expected an evaluation of schema {SCHEMA}, got {schema!r}: "
                + ("run «fakenews report», which brings it up to date." if schema == 1 else "evaluate the model again.")
            )
        protocols = {name: ProtocolResult.from_dict(result) for name, result in rest.pop("protocols").items()}
        curve = rest.pop("reliability", None)
        return cls(**rest, protocols=protocols, reliability=Reliability.from_dict(curve) if curve else None)


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


def model_card(evidence: ModelEvidence, describe: str) -> str:
    """Model card in Markdown, with the metadata block of the Hugging Face Hub.

    Parameters
    ----------
    evidence : ModelEvidence
    describe : str
        What exactly the model is, in one or a few sentences.
    """
    facts = {
        "protocol": evidence.protocol,
        "seed": evidence.seed,
        "cleaning": f"{evidence.cleaning['name']}, version {evidence.cleaning['version']}",
        **evidence.training,
        "calibration": _settings(evidence.calibration),
        "size": size_text(evidence.size_mb),
        "latency": "not measured" if evidence.latency_ms is None else f"{evidence.latency_ms:.0f} ms per article",
    }
    training = _markdown_table(("what", "value"), [(_plain(k), _plain(v)) for k, v in facts.items()])
    results = _markdown_table(
        ("Corpus", "n", *(METRIC_NAMES[m] for m in _TABLE_METRICS)),
        [(f"`{name}`", f"{e.n:,}", *(_cell(e, m) for m in _TABLE_METRICS)) for name, e in _ordered(evidence.corpora)],
    )
    return f"""---
license: apache-2.0
language: en
pipeline_tag: text-classification
tags:
  - fake-news
  - news
  - calibrated
metrics:
  - accuracy
  - f1
  - roc_auc
---

# {evidence.model}

{describe.strip()}

It gives the probability that an English news article resembles the fake class of its training corpus.
It does not know whether a story is true.

## Intended use

Teaching, and research into what such classifiers pick up and where they fail. Not for moderating, ranking or
labelling the work of real publishers, and not for judging single claims or posts.

## Training

{training}

## Results

95 % bootstrap intervals in brackets; the positive class is fake, the threshold {_thresholds(evidence)}.

{results}

Validation rows chose the settings and the calibration, so they flatter the model. Corpora named `all` were not learnt
from. The `{DEMO}` articles were written for the demo and are no evidence of accuracy.
{_protocol_section(evidence)}{_coverage_section(evidence)}{_verdict_section(evidence)}{_formatting_section(evidence)}
## Limits

- The labels are by publisher, not by fact: every article of a site carries that site's label, so the model learns
  how outlets write.
- {_transfer(evidence)}
- English only, and articles rather than headlines, posts or claims.
- The intervals cover the choice of articles, not the choice of training run.

The training articles remain their publishers' property; this folder holds none of their text.
"""


def _protocol_section(evidence: ModelEvidence) -> str:
    rows = [
        (
            f"{name}: {part.removesuffix('/all') if name == LEFT_OUT else PROTOCOLS[name].title.lower()}",
            "fitted again" if result.weights == OWN_WEIGHTS else "as it is",
            f"{e.n:,}",
            *(_cell(e, m) for m in _TABLE_METRICS),
        )
        for name, result in evidence.protocols.items()
        if name not in SHIPPED
        for part, e in result.corpora.items()
        if part.endswith("/test") or name == LEFT_OUT
    ]
    if not rows:
        return ""
    header = ("Protocol", "Weights", "n", *(METRIC_NAMES[m] for m in _TABLE_METRICS))
    notes = "\n".join(f"- {p.name}: {p.description}" for p in PROTOCOLS.values() if p.name not in SHIPPED)
    return f"\n## Other protocols\n\n{_markdown_table(header, rows)}\n\n{notes}\n"


def _coverage_section(evidence: ModelEvidence) -> str:
    curves = {
        k: c
        for name in (*SHIPPED[:2], LEFT_OUT)
        if name in evidence.protocols
        for k, c in evidence.protocols[name].coverage.items()
    }
    rows = [
        (f"`{name}`", *(percent_text(e) for e in curve.error.values()), f"{curve.area:.3f}")
        for name, curve in sorted(curves.items(), key=lambda item: _rank(item[0]))
        if not name.endswith("/validation") and _holds_articles(name)
    ]
    if not rows:
        return ""
    header = ("Corpus", *(f"error at {percent_text(c)}" if c < 1 else "error of all" for c in COVERAGES), "area")
    return (
        "\n## Answering only where it is sure\n\nShare of wrong answers among the articles with the highest "
        f"probability of the predicted class.\n\n{_markdown_table(header, rows)}\n"
    )


def _verdict_section(evidence: ModelEvidence) -> str:
    """How often it keeps quiet on whole articles, and how often it is right where it does not."""
    found = {
        name: given
        for protocol in (*SHIPPED[:2], LEFT_OUT)
        if protocol in evidence.protocols
        for name, given in evidence.protocols[protocol].verdicts.items()
        if not name.endswith("/validation") and _holds_articles(name)
    }
    if not found:
        return ""
    rows = [
        (
            f"`{name}`", f"{given.n:,}", share_text(given.given, given.n), share_text(given.right, given.given),
            f"{given.reasons.get('too_close', 0):,}",
        )
        for name, given in sorted(found.items(), key=lambda item: _rank(item[0]))
    ]  # fmt: skip
    header = ("Corpus", "n", "verdict given", "right of these", "too close to call")
    return (
        "\n## Verdicts\n\nAs on the page: none where the probability is too close to call. That a text is too short, "
        "not English, unlike the training, or like articles on which verdicts were mostly wrong, is not counted "
        "here.\n\n"
        f"{_markdown_table(header, rows)}\n"
    )


def _formatting_section(evidence: ModelEvidence) -> str:
    measured = {name: r.formatting for name, r in evidence.protocols.items() if r.formatting is not None}
    if not measured:
        return ""
    header = ("Edit", *(f"{name}, changed" for name in measured), *(f"{name}, flipped" for name in measured))
    edits = list(next(iter(measured.values())).edits)
    rows = [
        (
            edit.replace("_", " "),
            *(f"{rates.edits[edit].n_changed:,}" for rates in measured.values()),
            *(share_text(rates.edits[edit].n_flipped, rates.edits[edit].n_changed) for rates in measured.values()),
        )
        for edit in edits
    ]
    first = next(iter(measured.values()))
    return (
        f"\n## Formatting\n\nEdits that keep the meaning (list {first.version}), on {first.n:,} articles of "
        f"`{first.on}`: how many each changes, and in how many of these the predicted class flips.\n\n"
        f"{_markdown_table(header, rows)}\n"
    )


def write_model_card(folder: Path, describe: str) -> Path:
    """Write the card of the model in `folder` from its evidence; gives the path of the card."""
    path = folder / CARD
    path.write_text(model_card(read_evaluation(folder), describe), encoding="utf-8")
    return path


def summary_table(evidences: Sequence[ModelEvidence]) -> str:
    """Return the README's results in Markdown: a row per model, in-domain beside out-of-domain."""
    header = (
        "Model", "Accuracy, in-domain", "ROC AUC, out-of-domain", "Accuracy, out-of-domain", "Calibration error",
        "Verdicts, out-of-domain", "Size", "Time per article",
    )  # fmt: skip
    rows = [
        (
            evidence.model, _in_domain(evidence)[0], *_out_of_domain(evidence)[:3], _out_of_domain(evidence)[4],
            size_text(evidence.size_mb), "–" if evidence.latency_ms is None else f"{evidence.latency_ms:.0f} ms",
        )
        for evidence in evidences
    ]  # fmt: skip
    return _markdown_table(header, rows)


def results_table(evidences: Sequence[ModelEvidence], hindsight: Mapping[str, float] | None = None) -> str:
    """Return all results in Markdown: a row per model, a row per corpus left out, and how each model was made.

    Claims, posts, corpora of one class and parts that chose a setting stand on the model cards. `hindsight` is ROC AUC
    by corpus of what weights fitted on that corpus reach (`hindsight.left_out_in_hindsight`).
    """
    bounds = hindsight or {}
    header = (
        "Model", "Accuracy, in-domain", "ROC AUC", "ECE", "ROC AUC, out-of-domain, mean", "Accuracy", "ECE",
        "Error at 70% coverage", "Verdicts, out-of-domain", "Moved by formatting",
    )  # fmt: skip
    left_out = [name for name in DATASETS if any(name in _left_out(evidence) for evidence in evidences)]
    rows = [(evidence.model, *_in_domain(evidence), *_out_of_domain(evidence)) for evidence in evidences]
    per_corpus = [
        (
            f"`{name}`",
            f"{_size(evidences, name):,}",
            *(_auc(evidence, name) for evidence in evidences),
            *([f"{bounds[name]:.2f}" if name in bounds else "–"] if bounds else []),
        )
        for name in left_out
    ]
    notes = [
        f"- {evidence.model}: trained on {_learnt_from(evidence)}; split {evidence.protocol}, seed {evidence.seed}, "
        f"text {evidence.cleaning['name']} {evidence.cleaning['version']}, {_cost(evidence)}"
        for evidence in evidences
    ]
    tables = [_markdown_table(header, rows)]
    if per_protocol := _per_protocol(evidences):
        tables.append(
            "Accuracy of the same recipes on held-out articles, by the way of measuring, which *Compare* explains:\n\n"
            + _markdown_table(
                ("Way of measuring", *(evidence.model for evidence in evidences), "always the larger class"),
                per_protocol,
            )
        )
    if per_corpus:
        tables.append(
            "ROC AUC on each corpus, by models that had never seen it:\n\n"
            + _markdown_table(
                ("Corpus", "n", *(evidence.model for evidence in evidences), *(["oracle weights"] if bounds else [])),
                per_corpus,
            )
        )
    if bounds:
        tables.append(
            "Oracle weights (an upper bound): all single models together, weighed with the labels of the corpus that "
            "is measured, which nobody has who meets a new publisher. Better weights than the ensemble's end about "
            f"there, at {np.mean(list(bounds.values())):.2f} in the mean; the rest takes other models, or publishers "
            "more like these to learn from."
        )
    return "\n\n".join((*tables, "\n".join(notes)))


def _per_protocol(evidences: Sequence[ModelEvidence]) -> list[tuple[str, ...]]:
    """A row for each way to measure unseen articles, from what is usually published to what a visitor meets."""
    rows = []
    for name in _FROM_EASY_TO_HARD:
        told = [_accuracy_under(evidence, name) for evidence in evidences]
        if any(told):
            rows.append((PROTOCOLS[name].title, *(cell or "–" for cell in told), _guessed_under(evidences, name)))
    return rows


def _guessed_under(evidences: Sequence[ModelEvidence], protocol: str) -> str:
    """Accuracy of always answering with the larger class; the mean where there are several corpora."""
    found = {n: e for evidence in evidences for n, e in _answered_under(evidence, protocol).items()}
    shares = [share for e in found.values() if (share := of_guessing(e, "accuracy")) is not None]
    return percent_text(float(np.mean(shares))) if shares else "–"


def _accuracy_under(evidence: ModelEvidence, protocol: str) -> str:
    """With its interval; the mean where there are several corpora; nothing where it was not measured."""
    found = list(_answered_under(evidence, protocol).values())
    if len(found) == 1:
        return _cell(found[0], "accuracy")
    return percent_text(float(np.mean([e.accuracy for e in found]))) if found else ""


def _answered_under(evidence: ModelEvidence, protocol: str) -> dict[str, Evaluation]:
    """What a protocol measures: its test part, or the corpora left out."""
    result = evidence.protocols.get(protocol)
    corpora = result.corpora.items() if result else ()
    return {name: e for name, e in corpora if protocol == LEFT_OUT or name.endswith("/test")}


def _left_out(evidence: ModelEvidence) -> dict[str, tuple[Evaluation, CoverageRisk]]:
    """What is known of corpora that the protocol "left-out" measures, by name."""
    result = evidence.protocols.get(LEFT_OUT)
    return {n.partition("/")[0]: (e, result.coverage[n]) for n, e in result.corpora.items()} if result else {}


def _in_domain(evidence: ModelEvidence) -> tuple[str, ...]:
    home = next((e for name, e in evidence.corpora.items() if name.endswith("/test")), None)
    return tuple(_cell(home, m) if home else "–" for m in ("accuracy", "roc_auc", "ece"))


def _out_of_domain(evidence: ModelEvidence) -> tuple[str, ...]:
    found = list(_left_out(evidence).values())
    grouped = evidence.protocols.get("grouped")
    flips = grouped.formatting if grouped else None
    moved = f"{100 * flips.rate_of_all(ANY):.1f} %" if flips else "–"
    if not found:
        return ("–", "–", "–", "–", "–", moved)
    aucs = [e.roc_auc for e, _ in found if e.roc_auc is not None]
    means = [float(np.mean([getattr(e, m) for e, _ in found])) for m in ("accuracy", "ece")]
    at, always = (float(np.mean([c.error[k] for _, c in found])) for k in ("0.7", "1.0"))
    return (
        f"{np.mean(aucs):.3f} ({min(aucs):.2f}–{max(aucs):.2f})", percent_text(means[0]), f"{means[1]:.3f}",
        f"{percent_text(at)} of {percent_text(always)}", _verdicts_out_of_domain(evidence), moved,
    )  # fmt: skip


def _verdicts_out_of_domain(evidence: ModelEvidence) -> str:
    """Mean over corpora left out of the share of verdicts given, and of the right ones among these."""
    found = list(evidence.protocols[LEFT_OUT].verdicts.values())
    right = [given.accuracy for given in found if given.accuracy is not None]
    if not right:
        return "–"
    share = float(np.mean([given.given / given.n for given in found]))
    return f"{percent_text(share)}, {percent_text(float(np.mean(right)))} right"


def _size(evidences: Sequence[ModelEvidence], corpus: str) -> int:
    return max(_left_out(evidence)[corpus][0].n for evidence in evidences if corpus in _left_out(evidence))


def _auc(evidence: ModelEvidence, corpus: str) -> str:
    found = _left_out(evidence).get(corpus)
    return _cell(found[0], "roc_auc") if found else "–"


def _learnt_from(evidence: ModelEvidence) -> str:
    return str(evidence.training.get("rows", "unnamed rows")).partition(", near duplicates")[0]


def replace_results(page: str, part: str, table: str) -> str:
    """Return the page with `table` between the two markers of a part.

    Raises
    ------
    ValueError
        If `<!-- PART:begin -->` and `<!-- PART:end -->` are not there once each, in this order.
    """
    begin, end = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
    head, found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed or any(marker in head + tail for marker in (begin, end)):
        raise ValueError(f"The page must hold {begin} and {end} once each, in this order.")
    return f"{head}{begin}\n{table.strip()}\n{end}{tail}"


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def _holds_articles(name: str) -> bool:
    spec = DATASETS.get(name.partition("/")[0])
    return spec is None or spec.unit == "article"


def _rank(name: str) -> int:
    """Own corpus first, then the others, last the articles of the demo."""
    if name.startswith(f"{DEMO}/"):
        return 3
    return {"test": 0, "validation": 1}.get(name.rpartition("/")[2], 2)


def _ordered(corpora: Mapping[str, Evaluation]) -> list[tuple[str, Evaluation]]:
    return sorted(corpora.items(), key=lambda item: _rank(item[0]))


def _cell(evaluation: Evaluation, metric: Metric) -> str:
    return ", ".join(filter(None, (str(metric_text(evaluation, metric)), against_guessing(evaluation, metric))))


def _thresholds(evidence: ModelEvidence) -> str:
    return ", ".join(f"{t:g}" for t in sorted({e.threshold for e in evidence.corpora.values()}))


def _transfer(evidence: ModelEvidence) -> str:
    """Say in one sentence what was measured on publishers never seen in training."""
    own = [e for name, e in evidence.corpora.items() if _rank(name) == 0]
    others = [e for e, _ in evidence.unseen.values()]
    if not own or not others:
        return "It was not measured on corpora from other publishers; expect it to do much worse there."
    others.sort(key=lambda e: e.accuracy)
    worst, best = (metric_text(e, "accuracy").value for e in (others[0], others[-1]))
    span = f"between {worst} and {best}" if len(others) > 1 else worst
    home = metric_text(own[0], "accuracy").value
    verdict = "it does worse there" if others[-1].accuracy < own[0].accuracy else "it depends on the corpus"
    return f"On corpora from other publishers its accuracy is {span}, against {home} on its own test split: {verdict}."


def _cost(evidence: ModelEvidence) -> str:
    minutes, device = evidence.training.get("minutes"), evidence.training.get("device")
    parts = []
    if minutes is not None:
        parts.append(f"trained in {_minutes(minutes)}")
    if device is not None:
        parts.append(f"on {device}")
    made = [" ".join(parts)] if parts else []
    speed = [] if evidence.latency_ms is None else [f"{evidence.latency_ms:.0f} ms per article"]
    beside = " beside its members" if "members" in evidence.training else ""
    return ", ".join((*made, size_text(evidence.size_mb) + beside, *speed))


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} seconds"
    return f"{minutes:.0f} minute{'' if round(minutes) == 1 else 's'}"


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


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{_plain(k)} {_plain(v)}" for k, v in values.items() if v is not None)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return _settings(value)
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return str(value).replace("_", " ").replace("|", "\\|").replace("\n", " ")


def _markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))
