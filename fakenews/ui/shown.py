"""What a visitor looks at on the Analyse tab."""

from __future__ import annotations

from dataclasses import dataclass, field

from fakenews.engine.values import Analysis, WhatIf
from fakenews.explain.counterfactual import without
from fakenews.schema import Explanation, Span
from fakenews.ui.render import Unit

MOST_KEPT = 100  # strikes that can be undone


@dataclass(slots=True)
class Shown:
    """What the visitor looks at; kept on the server, one per session."""

    analysis: Analysis
    models: tuple[str, ...]  # whose words are shown
    explanations: dict[str, Explanation] = field(default_factory=dict)
    beside: Explanation | None = None  # LIME's of the model in view, where both methods are shown
    checked: Explanation | None = None  # of the model in view, by the stock library of the method shown
    graded: set[str] = field(default_factory=set)
    begun: bool = False  # whether anything was asked to explain it
    unit: Unit | None = None  # of the highlights, as last asked for
    history: list[tuple[Span, ...]] = field(default_factory=lambda: [()])  # what is struck out; the last is seen
    what_if: WhatIf | None = None  # answers to the text without it

    def put(self, model: str, explanation: Explanation) -> None:
        """Show another explanation of a model, which nobody has graded."""
        self.explanations[model] = explanation
        self.beside = self.checked = None
        self.graded.discard(model)

    @property
    def text(self) -> str:
        """What was analysed: title and body."""
        return self.analysis.text

    @property
    def asked(self) -> tuple[str, ...]:
        """Every model that was asked, an ensemble too."""
        return tuple(p.model for p in self.analysis.predictions)

    @property
    def struck(self) -> tuple[Span, ...]:
        """What is struck out of the text."""
        return self.history[-1]

    @property
    def left(self) -> str:
        """The text without what is struck out."""
        return without(self.text, self.struck)

    def strike(self, spans: tuple[Span, ...]) -> None:
        """Strike these stretches out, and nothing else."""
        if spans != self.struck:
            self.history.append(spans)
            del self.history[1:-MOST_KEPT]

    def toggle(self, span: Span) -> None:
        """Strike a stretch out, with all that was struck inside it; or take back what struck it out."""
        holds = [s for s in self.struck if s.start <= span.start and span.end <= s.end]
        apart = [s for s in self.struck if s.end <= span.start or span.end <= s.start]
        self.strike(tuple(s for s in self.struck if s not in holds) if holds else (*apart, span))

    def undo(self) -> None:
        """Go back one edit."""
        if len(self.history) > 1:
            self.history.pop()
