"""The explainers by name, fastest first; a new one is one file and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fakenews.explain.base import WordExplainer
from fakenews.explain.gradient import GradientExplainer
from fakenews.explain.library import LibraryLimeExplainer, LibraryShapExplainer
from fakenews.explain.lime import LimeExplainer
from fakenews.explain.linear import LinearExplainer
from fakenews.explain.shap import ShapExplainer


@dataclass(frozen=True, slots=True)
class ExplainerSpec:
    """What the page and the command line say of an explainer."""

    name: str
    # title, description: for the page; the description is one sentence
    title: str
    description: str
    load: Callable[[], WordExplainer]  # makes the explainer; heavy libraries are imported when it first explains
    # what `n_samples` counts; None, as are its default and bounds, where the method takes none
    samples_name: str | None
    default_samples: int | None
    min_samples: int | None
    max_samples: int | None
    # method of ours that this one checks, if it is a stock package; such a one is never chosen by itself
    library_of: str | None


def _spec(explainer: type[WordExplainer], title: str, description: str, library_of: str | None = None) -> ExplainerSpec:
    s = explainer.samples
    name, default, low, high = (s.name, s.default, s.minimum, s.maximum) if s else (None, None, None, None)
    return ExplainerSpec(explainer.name, title, description, explainer, name, default, low, high, library_of)


EXPLAINERS: dict[str, ExplainerSpec] = {
    "linear": _spec(
        LinearExplainer,
        "Exact weights",
        "The classifier's own weight of every word; they sum to its score.",
    ),
    "gradient": _spec(
        GradientExplainer,
        "Integrated gradients",
        "How steeply the score answers to every word on the way from masked words to the text; the quick preview.",
    ),
    "lime": _spec(
        LimeExplainer,
        "LIME",
        "A linear model of what removing words at random does, fitted near the text, with a gradient as its prior.",
    ),
    "shap": _spec(
        ShapExplainer,
        "SHAP",
        "Shares the score between sentences and then words, by what each adds to what is already there.",
    ),
    "shap-library": _spec(
        LibraryShapExplainer,
        "SHAP, stock package",
        "What the package shap answers for the same model and words, at its default of samples; takes long.",
        library_of="shap",
    ),
    "lime-library": _spec(
        LibraryLimeExplainer,
        "LIME, stock package",
        "What the package lime answers for the same model and words, at its default of samples; takes minutes.",
        library_of="lime",
    ),
}


def get(name: str) -> ExplainerSpec:
    """Give the explainer called `name`.

    Raise `ValueError` if there is none.
    """
    if name not in EXPLAINERS:
        raise ValueError(f"Unknown explainer {name!r}. Known: {', '.join(EXPLAINERS)}.")
    return EXPLAINERS[name]


def library_of(name: str) -> str | None:
    """Return the explainer that asks the stock package what the explainer `name` answers; None where there is none."""
    return next((other for other, spec in EXPLAINERS.items() if spec.library_of == name), None)


def methods_for(classifier: object, with_libraries: bool = False) -> tuple[str, ...]:
    """Return the names of our explainers that support `classifier`, fastest first, and of the stock packages after."""
    return tuple(
        name
        for name, spec in EXPLAINERS.items()
        if (with_libraries or spec.library_of is None) and spec.load().supports(classifier)
    )
