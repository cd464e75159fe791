"""What a visitor looks at on the Analyse tab."""

from __future__ import annotations

from dataclasses import dataclass, field

from fakenews.engine.values import Analysis
from fakenews.schema import Explanation
from fakenews.ui.render import Unit


@dataclass(slots=True)
class Shown:
    """What the visitor looks at; kept on the server, one per session."""

    analysis: Analysis
    models: tuple[str, ...]
    explanations: dict[str, Explanation] = field(default_factory=dict)
    graded: set[str] = field(default_factory=set)
    begun: bool = False  # whether anything was asked to explain it
    unit: Unit | None = None  # of the marks, as last asked for

    def put(self, model: str, explanation: Explanation) -> None:
        """Show another explanation of a model, which nobody has graded."""
        self.explanations[model] = explanation
        self.graded.discard(model)

    @property
    def text(self) -> str:
        """What was analysed: title and body."""
        return self.analysis.text
