"""What is known of a model, as values: protocols, corpora, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fakenews.data.registry import in_order, is_foreign_article_corpus
from fakenews.evidence.protocols import LEFT_OUT, SHIPPED
from fakenews.evidence.reliability import Reliability
from fakenews.metrics.coverage import CoverageRisk
from fakenews.metrics.evaluation import Evaluation
from fakenews.metrics.flips import FlipRates
from fakenews.metrics.verdicts import Verdicts
from fakenews.schema import JsonValue, as_json, from_json

SHIPPED_WEIGHTS, OWN_WEIGHTS = "shipped", "own"
SCHEMA = 2  # of evaluation.json
DEMO = "demo"  # articles written for the demo: shown, but no evidence of accuracy


@dataclass(frozen=True, slots=True)
class ProtocolResult(JsonValue):
    """What a model reached under one protocol of `protocols.PROTOCOLS`."""

    weights: str  # {"shipped", "own"}: whether the model answered as it is, or was fitted again for this protocol
    # Of its own weights: cleaning, rows, minutes, calibration …; empty for the shipped ones
    training: Mapping[str, Any]
    corpora: Mapping[str, Evaluation]  # by "corpus/split", as "isot/test"
    coverage: Mapping[str, CoverageRisk]  # of the same articles
    formatting: FlipRates | None = None  # how formatting moves the answers; None where it was not measured
    # Of the same articles; empty where the model was fitted again on other rows or text
    verdicts: Mapping[str, Verdicts] = field(default_factory=dict)

    def with_corpora(self, other: ProtocolResult) -> ProtocolResult:
        """Return it with the corpora of another result of the same weights."""
        return replace(
            self,
            corpora={**other.corpora, **self.corpora},
            coverage={**other.coverage, **self.coverage},
            verdicts={**other.verdicts, **self.verdicts},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the rates of the formatting test."""
        return {**as_json(self), "formatting": self.formatting and self.formatting.to_dict()}


@dataclass(frozen=True, slots=True)
class ModelEvidence(JsonValue):
    """How a model was made and what it reached: the content of `evaluation.json`."""

    model: str  # key of the classifier in the registry
    protocol: str  # how the shipped weights were trained: the protocol of their split
    seed: int  # of the split, the training and the bootstrap
    cleaning: Mapping[str, Any]  # "name" and "version" of the text function
    training: Mapping[str, Any]  # whatever the trainer tells: base, epochs, minutes, device, rows …
    size_mb: float  # files of the model, millions of bytes
    latency_ms: float | None  # milliseconds per article on two CPU cores; None where it was not measured
    # "method", the numbers of `classifiers.base.Calibration` and the split it was "fitted_on"
    calibration: Mapping[str, Any]
    protocols: Mapping[str, ProtocolResult]  # by name of the protocol, in the order of `protocols.PROTOCOLS`
    # How often articles of corpora left out of training were labeled fake, by probability; None without such
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
        unseen = {}
        for protocol in ("external", LEFT_OUT):
            result = self.protocols.get(protocol)
            for part, evaluation in (result.corpora if result else {}).items():
                corpus = part.partition("/")[0]
                if result and is_foreign_article_corpus(corpus) and evaluation.roc_auc is not None:
                    unseen[corpus] = (result, part)
        return {name: unseen[name] for name in in_order(unseen)}

    def with_others(self, others: Sequence[ModelEvidence]) -> ModelEvidence:
        """Return it with what the same weights reached on further corpora, under the protocols they were asked by."""
        protocols = dict(self.protocols)
        for name, result in ((n, r) for other in others for n, r in other.protocols.items()):
            known = protocols.get(name)
            protocols[name] = result if known is None else known.with_corpora(result)
        return replace(self, protocols=protocols)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the version of its layout under "schema"."""
        protocols = {name: result.to_dict() for name, result in self.protocols.items()}
        return {"schema": SCHEMA, **as_json(self), "protocols": protocols}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelEvidence:
        """Invert `to_dict`.

        Raise `ValueError` if the layout has another version.
        """
        if (schema := values.get("schema")) != SCHEMA:
            advice = 'run "python -m experiments report", which brings it up to date'
            raise ValueError(
                f"Expected an evaluation of schema {SCHEMA}, got {schema!r}: "
                f"{advice if schema == 1 else 'evaluate the model again'}."
            )
        return from_json(cls, values)
