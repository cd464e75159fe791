"""The one door behind page, API and commands: check a text, judge it, explain it, read the evidence.

Classifiers are loaded once; explanations are cached by content and stop when asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fakenews import text as texts
from fakenews.classifiers import registry as classifiers
from fakenews.classifiers import store
from fakenews.classifiers.base import TextClassifier, read
from fakenews.config import Settings
from fakenews.data import registry as corpora
from fakenews.explain import registry as explainers
from fakenews.explain.cache import ExplanationCache, ExplanationKey
from fakenews.schema import Explanation, Prediction, Target
from fakenews.verdict import judge, reconcile

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.evaluate.report import ModelEvidence

DEFAULT_MODELS = ("tinybert", "tfidf")
_WARM_UP = "A short text to warm up."


class InputError(ValueError):
    """Input that cannot be worked with; the message is one sentence for the person who gave it."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What all models say of one text.

    Attributes
    ----------
    text : str
        Title and body as read; explanations point into it.
    n_words : int
        Words read, after cleaning.
    predictions : tuple of Prediction
        In the order asked.
    seconds : float
        Wall-clock time of all of it.
    """

    text: str
    n_words: int
    predictions: tuple[Prediction, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form: documented for `fakenews predict` and `POST /api/v1/analyse`."""
        return {
            "predictions": [p.to_dict() for p in self.predictions],
            "n_words": self.n_words,
            "seconds": round(self.seconds, 4),
        }


class Services:
    """What the page, the API and the commands ask.

    Parameters
    ----------
    settings : Settings
        Where models and corpora lie, which device, how long a text may be.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._classifiers: dict[str, tuple[store.StoredModel, TextClassifier]] = {}
        self._loading = threading.Lock()
        self._cache = ExplanationCache()

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Models whose weights are here, the default ones first."""
        here = store.shipped(self.settings.models)
        return (*(m for m in DEFAULT_MODELS if m in here), *(m for m in here if m not in DEFAULT_MODELS))

    def title(self, model: str) -> str:
        """Name of a model for people."""
        return classifiers.get(model).title

    def classifier(self, model: str) -> TextClassifier:
        """A model by name or folder, loaded once.

        Raises
        ------
        InputError
            If it is unknown or not here.
        """
        return self._stored(model)[1]

    def warm_up(self) -> None:
        """Load the default models and ask each for a verdict and its quick explanation, so that no visitor waits."""
        for model in self.models[:2]:
            self.classifier(model).predict_proba([_WARM_UP])
            self.explain(_WARM_UP, model, self.methods(model)[0])

    def warm_up_explainers(self) -> None:
        """Import and compile what the slower explainers need, some seconds of work."""
        for model in self.models[:1]:
            for method in ("lime", "shap"):
                self.explain(_WARM_UP, model, method, explainers.get(method).min_samples)

    def check(self, title: str, body: str) -> str:
        """Join title and body and refuse what cannot be analysed.

        Returns
        -------
        str
            Of the same length as given, lone surrogates replaced, ready for `analyse` and `explain`.

        Raises
        ------
        InputError
            If there is nothing to read, or more than `settings.max_chars` characters.
        """
        text = _encodable(texts.join(title, body))
        if len(text) > self.settings.max_chars:
            raise InputError(
                f"This text has {len(text):,} characters; up to {self.settings.max_chars:,} can be analysed at once, "
                "so shorten it or send it in parts."
            )
        if not text.strip():
            raise InputError("There is no text yet: paste an article, at least a few sentences long.")
        return text

    def analyse(self, text: str, models: Sequence[str] | None = None) -> Analysis:
        """Ask models about a text that `check` returned; a text without words cannot be judged.

        Raises
        ------
        InputError
            If a model is unknown or not here.
        """
        asked = models or self.models[:2]
        if not asked:
            raise InputError(f"No trained model is in {self.settings.models}: train one with «fakenews train».")
        started = time.perf_counter()
        n_words = len(read(text).words)
        predictions = []
        for model in asked:
            stored, classifier = self._stored(model)
            margin = classifier.predict_margin([text])
            p_fake = float(classifier.calibrated(margin)[0])
            predictions.append(
                judge(stored.name, p_fake, float(margin[0]), n_words, self._known_share(text), self._known_floor)
            )
        return Analysis(text, n_words, reconcile(predictions), time.perf_counter() - started)

    def methods(self, model: str) -> tuple[str, ...]:
        """Names of the explainers a model can be asked with, fastest first."""
        return explainers.methods_for(self.classifier(model))

    def explain(
        self,
        text: str,
        model: str,
        method: str,
        n_samples: int | None = None,
        seed: int = 42,
        target: Target = "fake",
        progress: Callable[[float], None] | None = None,
    ) -> Explanation:
        """Explain a text that `check` returned; the same request is answered from memory.

        Raises
        ------
        InputError
            If the model, the method or a number will not do.
        Cancelled
            If `progress` raised it.
        """
        stored, classifier = self._stored(model)
        key = ExplanationKey.of(text, stored.name, stored.revision, method, target, n_samples, seed)
        found = self._cache.get(key)
        if found is None:
            try:
                explainer = explainers.get(method).load()
                found = explainer.explain(
                    text, classifier, target=target, n_samples=n_samples, seed=seed, progress=progress
                )
            except ValueError as error:
                raise InputError(str(error)) from error
            self._cache.put(key, found)
        return found

    def evidence(self, model: str) -> ModelEvidence | None:
        """The committed evaluation of a model; None where it has none."""
        from fakenews.evaluate.report import read_evaluation

        try:
            return read_evaluation(self.settings.models / model)
        except FileNotFoundError:
            return None

    def record(self, model: str) -> str:
        """One sentence on what a model reached where it was measured; empty without evidence."""
        from fakenews.evaluate.digits import metric_text

        evidence = self.evidence(model)
        if evidence is None:
            return ""
        home = next((e for name, e in evidence.corpora.items() if name.endswith("/test")), None)
        others = [
            e.accuracy
            for name, e in evidence.corpora.items()
            if name.endswith("/all")
            and corpora.is_foreign_article_corpus(name.removesuffix("/all"))
            and e.roc_auc is not None
        ]
        sentence = (
            f"Right on {metric_text(home, 'accuracy').value} of unseen articles of its own corpus" if home else ""
        )
        if home and others:
            sentence += (
                f", but only {100 * min(others):.0f} to {100 * max(others):.0f} % on {len(others)} other corpora"
            )
        return sentence and f"{sentence}."

    def predictions(self, model: str) -> pd.DataFrame:
        """The committed predictions of a model: id, corpus, split, label, p_fake, margin."""
        from fakenews.evaluate.report import read_predictions

        return read_predictions(self.settings.models / model)

    def corpus(self, name: str) -> pd.DataFrame:
        """Texts of a corpus.

        Raises
        ------
        TextNotHere
            If they are not on this machine; the message says how to get them.
        """
        return corpora.load(name, self.settings.data)

    def _stored(self, model: str) -> tuple[store.StoredModel, TextClassifier]:
        with self._loading:
            if model not in self._classifiers:
                try:
                    stored = store.find(model, self.settings.models)
                    self._classifiers[model] = (stored, store.load(stored, self.settings.device))
                except (ValueError, LookupError) as error:
                    raise InputError(str(error)) from error
            return self._classifiers[model]

    def _known_share(self, text: str) -> float:
        """Share of the words that occur in the training vocabulary, as the baseline knows it; 1 without a baseline."""
        baseline = self._baseline
        return baseline.known_share(text) if baseline is not None else 1.0

    @cached_property
    def _baseline(self) -> Any:
        return self.classifier("tfidf") if "tfidf" in self.models else None

    @cached_property
    def _known_floor(self) -> float:
        return float(self._baseline.info_.get("known_share_floor", 0.0)) if self._baseline is not None else 0.0


def _encodable(text: str) -> str:
    """Lone surrogates, which cannot be sent or stored, replaced one for one."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
