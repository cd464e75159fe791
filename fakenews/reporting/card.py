"""The model card: what the evidence says of one model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.data.registry import DATASETS
from fakenews.evidence.files import CARD, read_evaluation
from fakenews.evidence.protocols import LEFT_OUT, PROTOCOLS, SHIPPED
from fakenews.evidence.results import DEMO, OWN_WEIGHTS, ModelEvidence
from fakenews.metrics.coverage import COVERAGES
from fakenews.metrics.evaluation import Evaluation
from fakenews.reporting.digits import (
    METRIC_NAMES,
    Metric,
    cell,
    markdown_table,
    metric_text,
    percent_text,
    share_text,
    size_text,
)

_TABLE_METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")


def model_card(evidence: ModelEvidence, describe: str) -> str:
    """Return the model card in Markdown, with the metadata block of the Hugging Face Hub.

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
    training = markdown_table(("what", "value"), [(_plain(k), _plain(v)) for k, v in facts.items()])
    results = markdown_table(
        ("Corpus", "n", *(METRIC_NAMES[m] for m in _TABLE_METRICS)),
        [(f"`{name}`", f"{e.n:,}", *(cell(e, m) for m in _TABLE_METRICS)) for name, e in _ordered(evidence.corpora)],
    )
    license_ = "apache-2.0" if evidence.model in CLASSIFIERS else "unknown"  # of somebody's own: as its base
    return f"""---
license: {license_}
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

Validation rows chose the settings and the calibration, so they flatter the model. Corpora named `all` were not trained
on. The `{DEMO}` articles were written for the demo and are no evidence of accuracy.
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
            *(cell(e, m) for m in _TABLE_METRICS),
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
    return f"\n## Other protocols\n\n{markdown_table(header, rows)}\n\n{notes}\n"


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
        f"probability of the predicted class.\n\n{markdown_table(header, rows)}\n"
    )


def _verdict_section(evidence: ModelEvidence) -> str:
    """Describe how often it keeps quiet on whole articles, and how often it is right where it does not."""
    by_part = {
        name: v
        for protocol in (*SHIPPED[:2], LEFT_OUT)
        if protocol in evidence.protocols
        for name, v in evidence.protocols[protocol].verdicts.items()
        if not name.endswith("/validation") and _holds_articles(name)
    }
    if not by_part:
        return ""
    rows = [
        (
            f"`{name}`", f"{v.n:,}", share_text(v.given, v.n), share_text(v.right, v.given),
            f"{v.reasons.get('too_close', 0):,}",
        )
        for name, v in sorted(by_part.items(), key=lambda item: _rank(item[0]))
    ]  # fmt: skip
    header = ("Corpus", "n", "verdict given", "right of these", "too close to call")
    return (
        "\n## Verdicts\n\nAs on the page: none where the probability is too close to call. That a text is too short, "
        "not English, unlike the training, or like articles on which verdicts were mostly wrong, is not counted "
        "here.\n\n"
        f"{markdown_table(header, rows)}\n"
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
        f"{markdown_table(header, rows)}\n"
    )


def write_model_card(folder: Path, describe: str) -> Path:
    """Write the card of the model in `folder` from its evidence; gives the path of the card."""
    path = folder / CARD
    path.write_text(model_card(read_evaluation(folder), describe), encoding="utf-8")
    return path


def _holds_articles(name: str) -> bool:
    spec = DATASETS.get(name.partition("/")[0])
    return spec is None or spec.unit == "article"


def _rank(name: str) -> int:
    """Rank own corpus first, then the others, last the articles of the demo."""
    if name.startswith(f"{DEMO}/"):
        return 3
    return {"test": 0, "validation": 1}.get(name.rpartition("/")[2], 2)


def _ordered(corpora: Mapping[str, Evaluation]) -> list[tuple[str, Evaluation]]:
    return sorted(corpora.items(), key=lambda item: _rank(item[0]))


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


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{_plain(k)} {_plain(v)}" for k, v in values.items() if v is not None)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return _settings(value)
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return str(value).replace("_", " ").replace("|", "\\|").replace("\n", " ")
