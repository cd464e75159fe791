"""What is known of a model, as values: protocols, corpora, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fakenews.data.registry import in_order, is_foreign_article_corpus
from fakenews.evidence.protocols import LEFT_OUT, SHIPPED
from fakenews.evidence.reliability import Reliability
from fakenews.metrics.coverage import CoverageRisk
from fakenews.metrics.evaluation import Evaluation
from fakenews.metrics.flips import FlipRates
from fakenews.metrics.verdicts import Verdicts

SHIPPED_WEIGHTS, OWN_WEIGHTS = "shipped", "own"
SCHEMA = 2  # of evaluation.json
DEMO = "demo"  # articles written for the demo: shown, but no evidence of accuracy


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

    def with_corpora(self, other: ProtocolResult) -> ProtocolResult:
        """Return it with the corpora of another result of the same weights."""
        return replace(
            self,
            corpora={**other.corpora, **self.corpora},
            coverage={**other.coverage, **self.coverage},
            verdicts={**other.verdicts, **self.verdicts},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "weights": self.weights,
            "training": dict(self.training),
            "corpora": {name: evaluation.to_dict() for name, evaluation in self.corpora.items()},
            "coverage": {name: curve.to_dict() for name, curve in self.coverage.items()},
            "formatting": self.formatting.to_dict() if self.formatting else None,
            "verdicts": {name: counted.to_dict() for name, counted in self.verdicts.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ProtocolResult:
        """Invert `to_dict`."""
        formatting = values["formatting"]
        return cls(
            values["weights"],
            dict(values["training"]),
            {name: Evaluation.from_dict(evaluation) for name, evaluation in values["corpora"].items()},
            {name: CoverageRisk.from_dict(curve) for name, curve in values["coverage"].items()},
            FlipRates.from_dict(formatting) if formatting else None,
            {name: Verdicts.from_dict(counted) for name, counted in values.get("verdicts", {}).items()},
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
        facts = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            "schema": SCHEMA,
            **{name: dict(v) if isinstance(v, Mapping) else v for name, v in facts.items()},
            "protocols": {name: result.to_dict() for name, result in self.protocols.items()},
            "reliability": self.reliability.to_dict() if self.reliability else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelEvidence:
        """Invert `to_dict`.

        Raise `ValueError` if the layout has another version.
        """
        rest = dict(values)
        schema = rest.pop("schema", None)
        if schema != SCHEMA:
            raise ValueError(
                f"Expected an evaluation of schema {SCHEMA}, got {schema!r}: "
                + (
                    'run "python -m experiments report", which brings it up to date.'
                    if schema == 1
                    else "evaluate the model again."
                )
            )
        protocols = {name: ProtocolResult.from_dict(result) for name, result in rest.pop("protocols").items()}
        curve = rest.pop("reliability", None)
        return cls(**rest, protocols=protocols, reliability=Reliability.from_dict(curve) if curve else None)
