"""What the engine is asked and what it answers: frozen values with their JSON forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from fakenews.engine.cache import digest
from fakenews.formatting import FormattingTest
from fakenews.schema import Prediction, Target, as_json, from_json
from fakenews.similar.track_record import TrackRecord
from fakenews.verdict import with_formatting


@dataclass(frozen=True, slots=True)
class ExplanationRequest:
    """Everything an explanation depends on, but for the model's weights."""

    text: str  # as `Judge.check` returned it
    model: str  # name or folder
    method: str
    n_samples: int | None = None  # None for the method's own number
    seed: int = 42
    target: Target = "fake"  # the class that a positive weight pushes towards

    def key(self, name: str, revision: str) -> tuple[Self, str]:
        """Return the key of its explanation by a model of this name and state; it holds no text but its digest."""
        return replace(self, text=digest(self.text), model=name), revision


@dataclass(frozen=True, slots=True)
class Analysis:
    """The answers of all models to one text."""

    text: str  # title and body as read; explanations point into it
    predictions: tuple[Prediction, ...]  # in the order asked
    n_words: int  # words read, after cleaning
    seconds: float  # wall-clock time of all of it
    track_records: tuple[TrackRecord, ...] = ()  # on held-out articles like this text, where there is a store of them
    formatting: FormattingTest | None = None  # None until it was asked for

    def tested(self, formatting: FormattingTest) -> Analysis:
        """Return the same analysis with its formatting test; verdicts that an edit flipped are withdrawn."""
        predictions = with_formatting(self.predictions, formatting.moved)
        return replace(self, predictions=predictions, formatting=formatting)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, documented for `fakenews predict` and `POST /api/v1/analyse`."""
        values = as_json(replace(self, seconds=round(self.seconds, 4)))
        del values["text"], values["formatting"]
        return {**values, "formatting": self.formatting.to_dict()} if self.formatting else values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], text: str) -> Analysis:
        """Invert `to_dict`; the text itself is not part of the JSON form."""
        return from_json(cls, {**values, "text": text})


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answers of the same models, in the same order, to a text before and after an edit."""

    text: str  # the edited one
    before: tuple[Prediction, ...]
    after: tuple[Prediction, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, documented for `fakenews what-if` and `POST /api/v1/what-if`."""
        return {
            "text": self.text,
            "changes": [
                {
                    "model": b.model,
                    "before": b.to_dict(),
                    "after": a.to_dict(),
                    "log_odds_change": a.log_odds - b.log_odds,
                    "p_fake_change": a.p_fake - b.p_fake,
                }
                for b, a in zip(self.before, self.after, strict=True)
            ],
            "seconds": round(self.seconds, 4),
        }
