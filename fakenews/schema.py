"""The values that travel between the floors: frozen, slotted, free of any framework.

Every probability array in the project has the columns `LABELS`; every attribution is signed
towards `target` and lies on character offsets of the text the user pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Self, TypeVar

LABELS: tuple[Literal["fake"], Literal["real"]] = ("fake", "real")
FAKE, REAL = 0, 1

TABLE_COLUMNS = ("id", "title", "text", "label", "subject", "date", "split", "source_repo")

Target = Literal["fake", "real"]
Verdict = Literal["fake", "real", "cannot_judge"]


Value = TypeVar("Value")

RENAMED = {"margin": "log_odds", "normalised": "normalized"}  # fields, as stored before and as they are called now


class JsonValue:
    """A frozen dataclass whose JSON form has the names of its fields."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, tuples as lists."""
        return as_json(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Invert `to_dict`; keys of earlier versions are passed over.

        Raise `ValueError` if a value is missing or of another type.
        """
        return from_json(cls, values)


def as_json(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, and of those in it, as JSON has them."""
    values: dict[str, Any] = _adapter(value.__class__).dump_python(value, mode="json")
    return values


def from_json(kind: Callable[..., Value], values: Mapping[str, Any]) -> Value:
    """Return a dataclass from what `as_json` gave, now or before; raise `ValueError` if its fields cannot be filled."""
    value: Value = _adapter(kind).validate_python(_renamed(values))
    return value


def _renamed(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {RENAMED.get(name, name): _renamed(value) for name, value in values.items()}
    return [_renamed(value) for value in values] if isinstance(values, list) else values


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


@dataclass(frozen=True, slots=True)
class Article:
    """One article as a user or a corpus gives it; `label` is an index into `LABELS` or None."""

    title: str
    text: str
    label: int | None = None
    id: str = ""
    subject: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of the user's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prediction(JsonValue):
    """What one classifier says of one text."""

    model: str  # key of the classifier in the registry
    p_fake: float  # calibrated probability of resembling the fake class, in [0.001, 0.999]
    log_odds: float  # log-odds of the fake class before calibration
    verdict: Verdict
    reasons: tuple[str, ...] = ()  # why the text cannot be judged; keys of `verdict.REASONS`. Empty otherwise.
    # Share labeled fake among articles of publishers never seen in training that scored like this one; None where that
    # was not measured
    share_fake: float | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Signed weight of one word; positive pushes towards the explanation's target."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Grade(JsonValue):
    """How well an order of words says what a classifier's log-odds hang on.

    All on log-odds towards the class the classifier leans to, means over the shares of words of
    `evaluate.faithfulness.SHARES`.
    """

    # comprehensiveness, sufficiency: what is lost when the strongest words go, and when they alone stay: high and low
    # are good
    comprehensiveness: float
    sufficiency: float
    random: tuple[float, float]  # random, best: both of the mean of random orders, and of the best order found
    best: tuple[float, float]
    normalized: float  # mean of both on a scale where random orders have 0 and the best order found has 1
    level: Literal["good", "fair", "poor"]  # poor explanations are not drawn
    seconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a classifier gave its log-odds: one weight for every word it read."""

    text: str  # the user's text; the offsets of `attributions` point into it
    target: Target  # class the weights are signed towards
    attributions: tuple[Attribution, ...]
    unit: Literal["log-odds", "probability"]  # unit of the weights and of `base_value`
    base_value: float  # value of the method's own reference: intercept, empty text or local intercept
    log_odds: float  # the classifier's own value for the whole text, signed towards `target`
    fidelity: float | None  # LIME's weighted R² of the local model; None where the method is additive
    residual: float | None  # `log_odds` minus `base_value` minus the sum of weights; None for LIME
    classifier: str
    explainer: str
    seed: int
    seconds: float  # wall-clock time of the computation
    settings: Mapping[str, Any] = field(default_factory=dict)  # samples, steps or evaluations actually used
    # Rank agreement of the strongest words between two halves of the samples; None where nothing is sampled
    stability: float | None = None
    grade: Grade | None = None  # none until it was asked for

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: without the text, but each attribution with the part of it that it lies on."""
        values = as_json(self)
        for a in values["attributions"]:
            a["text"] = self.text[a["start"] : a["end"]]
        del values["text"]
        return {"model": values.pop("classifier"), "method": values.pop("explainer"), **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], text: str) -> Explanation:
        """Invert `to_dict`; the text itself is not part of the JSON form."""
        return from_json(cls, {**values, "text": text, "classifier": values["model"], "explainer": values["method"]})
