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
    """Return a dataclass from what `as_json` gave; raise `ValueError` if its fields cannot be filled."""
    value: Value = _adapter(kind).validate_python(values)
    return value


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
    """What one classifier says of one text.

    Attributes
    ----------
    model : str
        Key of the classifier in the registry.
    p_fake : float
        Calibrated probability of resembling the fake class, in [0.001, 0.999].
    margin : float
        Log-odds of the fake class before calibration.
    verdict : {"fake", "real", "cannot_judge"}
    reasons : tuple of str
        Why the text cannot be judged; keys of `verdict.REASONS`. Empty otherwise.
    share_fake : float or None
        Share labeled fake among articles of publishers never seen in training that scored like this one; None where
        that was not measured.
    """

    model: str
    p_fake: float
    margin: float
    verdict: Verdict
    reasons: tuple[str, ...] = ()
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

    Attributes
    ----------
    comprehensiveness, sufficiency : float
        What is lost when the strongest words go, and when they alone stay: high and low are good.
    random, best : tuple of two floats
        Both of the mean of random orders, and of the best order found.
    normalised : float
        Mean of both on a scale where random orders have 0 and the best order found has 1.
    level : {"good", "fair", "poor"}
        Poor explanations are not drawn.
    seconds : float
    """

    comprehensiveness: float
    sufficiency: float
    random: tuple[float, float]
    best: tuple[float, float]
    normalised: float
    level: Literal["good", "fair", "poor"]
    seconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a classifier gave its log-odds: one weight for every word it read.

    Attributes
    ----------
    text : str
        The user's text; the offsets of `attributions` point into it.
    target : {"fake", "real"}
        Class the weights are signed towards.
    unit : {"log-odds", "probability"}
        Unit of the weights and of `base_value`.
    base_value : float
        Value of the method's own reference: intercept, empty text or local intercept.
    margin : float
        The classifier's own value for the whole text, signed towards `target`.
    fidelity : float or None
        LIME's weighted R² of the local model; None where the method is additive.
    residual : float or None
        `margin` minus `base_value` minus the sum of weights; None for LIME.
    stability : float or None
        Rank agreement of the strongest words between two halves of the samples; None where nothing is sampled.
    settings : mapping
        Samples, steps or evaluations actually used.
    seconds : float
        Wall-clock time of the computation.
    grade : Grade or None
        None until it was asked for.
    """

    text: str
    target: Target
    attributions: tuple[Attribution, ...]
    unit: Literal["log-odds", "probability"]
    base_value: float
    margin: float
    fidelity: float | None
    residual: float | None
    classifier: str
    explainer: str
    seed: int
    seconds: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    stability: float | None = None
    grade: Grade | None = None

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
