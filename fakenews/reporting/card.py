"""The model card: what the evidence says of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.data.registry import DATASETS
from fakenews.evidence.files import CARD, read_evaluation
from fakenews.evidence.protocols import LEFT_OUT, PROTOCOLS, SHIPPED
from fakenews.evidence.results import DEMO, OWN_WEIGHTS, ModelEvidence
from fakenews.metrics.coverage import COVERAGES
from fakenews.metrics.evaluation import Evaluation
from fakenews.metrics.flips import FlipRates
from fakenews.metrics.verdicts import Verdicts
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

Figure = TypeVar("Figure")

_TEMPLATE = Path(__file__).with_suffix(".md")
_TABLE_METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")


def model_card(evidence: ModelEvidence, describe: str) -> str:
    """Return the model card in Markdown, with the metadata block of the Hugging Face Hub.

    `describe` says what exactly the model is, in one or a few sentences.
    """
    from jinja2 import Environment, StrictUndefined

    facts = {
        "protocol": evidence.protocol,
        "seed": evidence.seed,
        "cleaning": f"{evidence.cleaning['name']}, version {evidence.cleaning['version']}",
        **evidence.training,
        "calibration": _settings(evidence.calibration),
        "size": size_text(evidence.size_mb),
        "latency": "not measured" if evidence.latency_ms is None else f"{evidence.latency_ms:.0f} ms per article",
    }
    formatting = {name: r.formatting for name, r in evidence.protocols.items() if r.formatting is not None}
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True, autoescape=False
    )  # Markdown
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        evidence=evidence,
        license="apache-2.0" if evidence.model in CLASSIFIERS else "unknown",  # of somebody's own: as its base
        describe=describe.strip(),
        table=markdown_table,
        demo=DEMO,
        metrics=[METRIC_NAMES[m] for m in _TABLE_METRICS],
        facts=[(_plain(k), _plain(v)) for k, v in facts.items()],
        thresholds=", ".join(f"{t:g}" for t in sorted({e.threshold for e in evidence.corpora.values()})),
        results=[(f"`{name}`", f"{e.n:,}", *_figures(e)) for name, e in _ordered(evidence.corpora)],
        others=_other_protocols(evidence),
        other_protocols=[p for p in PROTOCOLS.values() if p.name not in SHIPPED],
        coverages=[f"error at {percent_text(c)}" if c < 1 else "error of all" for c in COVERAGES],
        coverage=[
            (f"`{name}`", *(percent_text(e) for e in curve.error.values()), f"{curve.area:.3f}")
            for name, curve in _of_articles(evidence, "coverage")
        ],
        verdicts=[_verdict_row(name, v) for name, v in _of_articles(evidence, "verdicts")],
        formatting=formatting,
        changed=[f"{name}, changed" for name in formatting],
        flipped=[f"{name}, flipped" for name in formatting],
        edits=_edit_rows(list(formatting.values())),
        transfer=_transfer(evidence),
    )


def _figures(evaluation: Evaluation) -> list[str]:
    return [cell(evaluation, metric) for metric in _TABLE_METRICS]


def _other_protocols(evidence: ModelEvidence) -> list[tuple[str, ...]]:
    return [
        (
            f"{name}: {part.removesuffix('/all') if name == LEFT_OUT else PROTOCOLS[name].title.lower()}",
            "fitted again" if result.weights == OWN_WEIGHTS else "as it is",
            f"{e.n:,}",
            *_figures(e),
        )
        for name, result in evidence.protocols.items()
        if name not in SHIPPED
        for part, e in result.corpora.items()
        if part.endswith("/test") or name == LEFT_OUT
    ]


def _of_articles(evidence: ModelEvidence, what: str) -> list[tuple[str, Any]]:
    """Return a kind of figure of all corpora of whole articles that did not choose the settings, by "corpus/split"."""
    protocols = [evidence.protocols[name] for name in (*SHIPPED[:2], LEFT_OUT) if name in evidence.protocols]
    figures = {part: figure for result in protocols for part, figure in getattr(result, what).items()}
    return _ordered({k: v for k, v in figures.items() if not k.endswith("/validation") and _holds_articles(k)})


def _verdict_row(name: str, v: Verdicts) -> tuple[str, ...]:
    too_close = f"{v.reasons.get('too_close', 0):,}"
    return f"`{name}`", f"{v.n:,}", share_text(v.given, v.n), share_text(v.right, v.given), too_close


def _edit_rows(measured: Sequence[FlipRates]) -> list[tuple[str, ...]]:
    return [
        (
            edit.replace("_", " "),
            *(f"{rates.edits[edit].n_changed:,}" for rates in measured),
            *(share_text(rates.edits[edit].n_flipped, rates.edits[edit].n_changed) for rates in measured),
        )
        for edit in (measured[0].edits if measured else ())
    ]


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


def _ordered(figures: Mapping[str, Figure]) -> list[tuple[str, Figure]]:
    return sorted(figures.items(), key=lambda item: _rank(item[0]))


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
