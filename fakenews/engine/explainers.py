"""Explain answers: word by word, better and better, with a grade; across methods, across articles, by removal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fakenews.engine.cache import Cache, digest
from fakenews.engine.device import EXPLANATION_SECONDS, Device
from fakenews.engine.errors import InputError
from fakenews.engine.judge import Judge
from fakenews.engine.pool import ModelPool
from fakenews.engine.values import ExplanationRequest
from fakenews.explain import registry
from fakenews.explain.agreement import Agreement, agreement
from fakenews.explain.base import Progress, Refinement
from fakenews.explain.counterfactual import Counterfactual, minimal_counterfactual
from fakenews.explain.faithfulness import Bounds, find_bounds, grade
from fakenews.explain.global_importance import WordTotal, across
from fakenews.schema import Explanation, Grade
from fakenews.text import encodable

QUICK = ("linear", "gradient")  # methods fast enough for many articles


class Explainers:
    """Explanations of texts that `Judge.check` returned, and a memory of them.

    What takes long calls `progress` with the share done, and passes on what it raises (`Cancelled`). What is asked of
    an unknown model or method, or with a number out of range, raises `InputError`.
    """

    def __init__(self, pool: ModelPool, judge: Judge, device: Device) -> None:
        self._pool = pool
        self._judge = judge
        self._explanations: Cache[tuple[ExplanationRequest, str], Explanation] = Cache()
        self._bounds: Cache[tuple[str, str, str], Bounds] = Cache()
        self._refine_there = device.bind(self._refine, EXPLANATION_SECONDS)
        self._quick_there = device.bind(self._quick, EXPLANATION_SECONDS)
        self._grade_there = device.bind(self._grade, EXPLANATION_SECONDS)
        self._counterfactual_there = device.bind(self._counterfactual, EXPLANATION_SECONDS)

    def methods(self, model: str, with_libraries: bool = False) -> tuple[str, ...]:
        """Return names of our explainers a model can be asked with, fastest first, and of the stock packages after."""
        return registry.methods_for(self._pool.classifier(model), with_libraries)

    def method(self, model: str, wanted: str | None = None) -> str:
        """Return the explainer `wanted`, if the model can be asked with it, else its quickest."""
        known = self.methods(model, with_libraries=True)
        try:
            return known[0] if wanted is None or registry.get(wanted).name not in known else wanted
        except ValueError as error:
            raise InputError(str(error)) from error

    def explain(self, request: ExplanationRequest, progress: Progress | None = None) -> Explanation:
        """Return the explanation; the same request is answered from memory."""
        *_, last = self.refine(request, progress)
        return last.explanation

    def refine(self, request: ExplanationRequest, progress: Progress | None = None) -> Iterator[Refinement]:
        """Explain as `explain` does, better and better; what is in memory is given at once."""
        model = request.model
        key = request.key(self._pool.name(model), self._pool.revision(model))
        known = self._explanations.get(key)
        if known is not None:
            yield Refinement(known, 1.0, 0.0)
            return
        log_odds = self._judge.known_log_odds(request.text, model)
        try:
            for step in self._refine_there(request, log_odds, progress=progress):
                if step.share >= 1.0:
                    self._explanations.put(key, step.explanation)
                yield step
        except ValueError as error:
            raise InputError(str(error)) from error

    def grade(self, explanation: Explanation, model: str, progress: Progress | None = None) -> Explanation:
        """Return the same explanation with its grade; the bounds it is graded between are found once for a text."""
        if explanation.grade is not None or not explanation.attributions:
            return explanation
        key = digest(explanation.text), self._pool.name(model), self._pool.revision(model)
        result, bounds = self._grade_there(explanation, model, self._bounds.get(key), progress=progress)
        self._bounds.put(key, bounds)
        return replace(explanation, grade=result)

    def agreement(
        self,
        text: str,
        models: Sequence[str],
        methods: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Agreement:
        """Compare how models and methods rank the words of a text.

        Every method of ours that a model supports, or those of `methods` that it supports, stock packages among them;
        at least two explanations in all.
        """
        for method in methods or ():
            if method not in registry.EXPLAINERS:
                raise InputError(f"Unknown explainer {method[:40]!r}. Known: {', '.join(registry.EXPLAINERS)}.")
        explanations = [
            self.explain(ExplanationRequest(text, model, method), progress)
            for model in models
            for method in self.methods(model, with_libraries=bool(methods))
            if not methods or method in methods
        ]
        if len(explanations) < 2:
            raise InputError("There is nothing to compare: name two models, or a model and two methods.")
        return agreement(explanations)

    def global_importance(
        self, texts: Sequence[str], model: str, progress: Progress | None = None
    ) -> tuple[WordTotal, ...]:
        """Sum the words that moved a model across articles, by its explanation, which has to be of the quick ones."""
        if self.methods(model)[0] not in QUICK:
            title = self._pool.title(model)
            raise InputError(f"{title} has no quick explanation, so many articles would take too long.")

        def explanations() -> Iterator[Explanation]:
            for i, explanation in enumerate(self._quick_there(list(texts), model)):
                if progress:
                    progress(i / len(texts))
                yield explanation

        return across(explanations())

    def minimal_counterfactual(self, text: str, model: str, progress: Progress | None = None) -> Counterfactual:
        """Find the fewest sentences whose removal flips a model's prediction."""
        return replace(self._counterfactual_there(text, model, progress=progress), model=self._pool.name(model))

    def _refine(
        self, request: ExplanationRequest, log_odds: float | None, progress: Progress | None = None
    ) -> Iterator[Refinement]:
        spec, classifier = registry.get(request.method), self._pool.classifier(request.model)
        able = registry.methods_for(classifier, with_libraries=True)
        if request.method not in able:
            raise ValueError(
                f"The explainer {request.method} cannot explain {request.model!r}; these can: {', '.join(able)}."
            )
        yield from spec.load().refine(
            request.text, classifier, target=request.target, n_samples=request.n_samples, seed=request.seed,
            progress=progress, log_odds=log_odds,
        )  # fmt: skip

    def _quick(self, texts: list[str], model: str) -> Iterator[Explanation]:
        """Explain each text by the quickest method of a model."""
        classifier, explainer = self._pool.classifier(model), registry.get(self.methods(model)[0]).load()
        for text in texts:
            yield explainer.explain(encodable(text), classifier)

    def _grade(
        self, explanation: Explanation, model: str, bounds: Bounds | None, progress: Progress | None = None
    ) -> tuple[Grade | None, Bounds]:
        classifier, report = self._pool.classifier(model), progress or _ignore
        bounds = bounds or find_bounds(explanation.text, classifier, progress=report)
        return grade(explanation, classifier, bounds, report), bounds

    def _counterfactual(self, text: str, model: str, progress: Progress | None = None) -> Counterfactual:
        return minimal_counterfactual(text, self._pool.classifier(model), progress or _ignore)


def _ignore(share: float) -> None:
    """Take progress that nobody asked for."""
