"""What the page says of an article under edits, pure: what is struck out, and the minimal counterfactual."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from fakenews.explain.counterfactual import Counterfactual
from fakenews.schema import Span
from fakenews.ui import render
from fakenews.ui.templates import draw


def struck(spans: Sequence[Span]) -> Markup:
    """Draw the list of what is struck out, from which the script `words` strikes it."""
    return draw("edits", "struck", keys=[f"{s.start}-{s.end}" for s in spans])


def flip(counterfactual: Counterfactual, title: str) -> Markup:
    """Draw what the search for the smallest set of sentences found; the article shows them struck."""
    removed, exact = counterfactual.removed, counterfactual.exact
    n, one = len(counterfactual.sentences), len(removed) == 1
    cost = f"{counterfactual.evaluations:,} variants, {counterfactual.seconds:.1f} s"
    if not removed:
        none = "no set of sentences flips it" if exact else "no set of sentences was found that flips it"
        return render.done(f"{title}: {none} ({cost}).")
    how = f"by beam search over {n} sentences, so a smaller set may exist"
    if exact:
        how = "no smaller set can exist" if one else f"every smaller set of the {n} sentences was tried"
    return render.done(
        f"{title} flips without {'one sentence' if one else f'these {len(removed)} sentences'}, "
        f"from {render.percent(counterfactual.p_before)} to {render.percent(counterfactual.p_after)} fake; "
        f"{how} ({cost})."
    )
