"""The one door behind page, API and commands: check a text, judge it, explain it, read the evidence.

Classifiers are loaded once; explanations are cached by content and stop when asked.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fakenews import formatting
from fakenews import text as texts
from fakenews.batching import Batcher, Full
from fakenews.classifiers import model_folder, store
from fakenews.classifiers import registry as classifiers
from fakenews.classifiers.base import (
    OutOfDomainDetector,
    Scores,
    TextClassifier,
    clean_text,
    cleaning_once,
    distinct_scores,
)
from fakenews.classifiers.ensemble import LARGE, MEMBERS, EnsembleClassifier
from fakenews.config import Settings, pick_device
from fakenews.data import registry as corpora
from fakenews.explain import registry as explainers
from fakenews.explain.base import Refinement
from fakenews.explain.cache import ContentCache, ExplanationKey
from fakenews.formatting import FormattingTest
from fakenews.language import is_english
from fakenews.schema import Explanation, Prediction, Target
from fakenews.text import encodable
from fakenews.turns import Turns
from fakenews.verdict import MIN_WORDS, UNLIKE, judge, reconcile, taken_back, with_formatting

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from fakenews.evidence.reliability import Reliability
    from fakenews.evidence.results import ModelEvidence
    from fakenews.explain.agreement import Agreement
    from fakenews.explain.faithfulness import Bounds
    from fakenews.explain.flip import Flip
    from fakenews.explain.global_importance import WordTotal
    from fakenews.metrics.verdicts import TableResult
    from fakenews.similar.neighbours import Neighbours, TrackRecord

logger = logging.getLogger(__name__)

DEFAULT_MODELS = ("tinybert", "tfidf")  # side by side on the page; on a GPU `LARGE` too
QUICK = ("linear", "gradient")  # methods fast enough for many articles
TABLE_CHUNK = 128  # articles between two reports of progress
SCORED_CHUNK = 16  # and where visitors may change their mind in between
NEIGHBOURS_FOLDER = "neighbours"  # beside the models
# Long enough to be judged, so that everything a verdict needs is loaded.
_WARM_UP = (
    "The council of a small town met on Tuesday to talk about the old bridge. Two members said that it should be "
    "repaired before the winter, and a third asked who would pay for it. They agreed to ask an engineer, to hear from "
    "the people who live beside the river, and to meet again in a month."
)


_UNMEASURED = UNLIKE | {"too_short"}  # reasons for which no article that was measured is like a text
_Answers = tuple[Scores, NDArray[np.bool_]]  # scores, and whether each text is unlike the training data


class InputError(ValueError):
    """Input that cannot be worked with; the message is one sentence for the person who gave it."""


class Wordless(InputError):
    """Nothing is left of a text once it is cleaned."""

    def __init__(self) -> None:
        super().__init__("There are no words to read here: addresses, markup and emoji are not read.")


class Busy(InputError):
    """Too many are asking at this moment; the same input will do in a few seconds."""


class Unusable(InputError):
    """A model's files are not whole; whoever runs the server has to bring them back."""


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
    track_records : tuple of TrackRecord
        How the models fared on held-out articles like this text; empty without a store of articles.
    formatting : FormattingTest or None
        None until it was asked for.
    """

    text: str
    n_words: int
    predictions: tuple[Prediction, ...]
    seconds: float
    track_records: tuple[TrackRecord, ...] = ()
    formatting: FormattingTest | None = None

    def tested(self, formatting: FormattingTest) -> Analysis:
        """The same analysis with its formatting test; verdicts that an edit turned round are taken back."""
        predictions = with_formatting(self.predictions, formatting.moved)
        return replace(self, predictions=predictions, formatting=formatting)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: documented for `fakenews predict` and `POST /api/v1/analyse`."""
        return {
            "predictions": [p.to_dict() for p in self.predictions],
            "n_words": self.n_words,
            "seconds": round(self.seconds, 4),
            "track_records": [r.to_dict() for r in self.track_records],
            **({"formatting": self.formatting.to_dict()} if self.formatting else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], text: str) -> Analysis:
        """Inverse of `to_dict`; the text itself is not part of the JSON form."""
        from fakenews.similar.neighbours import TrackRecord

        return cls(
            text=text,
            n_words=values["n_words"],
            predictions=tuple(Prediction.from_dict(p) for p in values["predictions"]),
            seconds=values["seconds"],
            track_records=tuple(TrackRecord.from_dict(r) for r in values["track_records"]),
            formatting=FormattingTest.from_dict(values["formatting"]) if "formatting" in values else None,
        )


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What models say of a text before and after an edit.

    Attributes
    ----------
    text : str
        The edited one.
    before, after : tuple of Prediction
        Of the same models in the same order.
    seconds : float
    """

    text: str
    before: tuple[Prediction, ...]
    after: tuple[Prediction, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form: documented for `fakenews what-if` and `POST /api/v1/what-if`."""
        return {
            "text": self.text,
            "changes": [
                {
                    "model": b.model,
                    "before": b.to_dict(),
                    "after": a.to_dict(),
                    "margin_change": a.margin - b.margin,
                    "p_fake_change": a.p_fake - b.p_fake,
                }
                for b, a in zip(self.before, self.after, strict=True)
            ],
            "seconds": round(self.seconds, 4),
        }


def _check_words(text: str) -> None:
    if not clean_text(text).words:
        raise Wordless


class Services:
    """What the page, the API and the commands ask.

    Parameters
    ----------
    settings : Settings
        Where models and corpora lie, which device, how long a text may be.
    """

    scored_chunk = SCORED_CHUNK

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.damaged: tuple[str, ...] = ()  # models that `warm_up` found to be other than what was pinned
        self._classifiers: dict[str, tuple[model_folder.StoredModel, TextClassifier]] = {}
        self._loading = threading.RLock()
        self._cache: ContentCache[Explanation] = ContentCache()
        self._said: ContentCache[float] = ContentCache()  # log-odds of texts that were judged
        self._verdicts: ContentCache[tuple[Prediction, ...]] = ContentCache()  # and all that their models said
        self._bounds: ContentCache[Bounds] = ContentCache()
        self._made: dict[str, NDArray[np.int8]] = {}
        self._reliabilities: dict[str, Reliability | None] = {}
        self._revisions: dict[str, str] = {}
        self._turns = Turns()
        self._together: Batcher[tuple[str, ...], str, tuple[Prediction, ...]] | None = None

    def answer_together(self, told: Callable[[int], None] = lambda size: None) -> None:
        """From now on ask the models once for all verdicts that wait; `told` is given how many each time.

        For a server with many visitors; too many at once are refused with `Busy`.
        """
        self._together = Batcher(lambda models, asked: self.judge_many(asked, models), told=told)

    def waiting(self) -> int:
        """How many verdicts wait for others."""
        return 0 if self._together is None else len(self._together)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Models whose weights are here, those side by side first.

        Raises
        ------
        ValueError
            If FAKENEWS_MODEL_LIST names one that is not here.
        """
        here = store.shipped(self.settings.models)
        if missing := sorted(set(self.settings.model_list) - set(here)):
            raise ValueError(
                f"FAKENEWS_MODEL_LIST names {', '.join(missing)}, not in {self.settings.models}: "
                f"there are {', '.join(here) or 'none'}."
            )
        return (*(m for m in self._wanted if m in here), *(m for m in here if m not in self._wanted))

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        if self.settings.model_list:
            return self.settings.model_list
        try:
            on_gpu = pick_device(self.settings.device) == "cuda"
        except ValueError:  # a GPU that is not here is told of by whoever loads a model
            on_gpu = False
        return (*DEFAULT_MODELS, LARGE) if on_gpu else DEFAULT_MODELS

    @cached_property
    def beside(self) -> tuple[str, ...]:
        """Models that stand side by side: those wanted, or at least the first two that are here; no ensemble."""
        alone = tuple(m for m in self.models if m not in MEMBERS)
        wanted = tuple(m for m in alone if m in self._wanted)
        return wanted if self.settings.model_list else max(wanted, alone[:2], key=len)

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """Models that answer where none is named: an ensemble, if one is here, and those side by side.

        The ensemble with the large model only where that stands side by side, or where there is no other.
        """
        here = [m for m in MEMBERS if m in self.models]
        if LARGE not in self.beside:
            here = [m for m in here if LARGE not in MEMBERS[m]] or here
        return (*here[:1], *self.beside)

    def title(self, model: str) -> str:
        """Name of a model for people."""
        try:
            return classifiers.get(model).title
        except ValueError:
            return classifiers.get(self._stored(model)[0].name).title  # of a folder

    def classifier(self, model: str) -> TextClassifier:
        """A model by name or folder, loaded once.

        Raises
        ------
        InputError
            If it is unknown or not here; `Unusable` if its files are not whole.
        """
        return self._stored(model)[1]

    def revision(self, model: str) -> str:
        """First 12 hex digits of the SHA-256 of a model's weights, which are not loaded for it.

        Raises
        ------
        InputError
            If the model is unknown or not here.
        """
        found = self._classifiers.get(model)
        if found is not None:
            return found[0].revision
        if model not in self._revisions:
            try:
                self._revisions[model] = store.find(model, self.settings.models).revision
            except (ValueError, model_folder.ModelNotHere) as error:
                raise InputError(str(error)) from error
        return self._revisions[model]

    def learnt_from(self, model: str) -> tuple[str, ...]:
        """The corpora that a model says it learnt from, the one it started from first; empty if it does not say."""
        data: dict[str, Any] = model_folder.settings(self.settings.models / model).get("data", {})
        return tuple(data.get("corpora", ()))

    def warm_up(self) -> None:
        """Load the default models and ask them for a verdict and its quick explanation, so that no visitor waits.

        Of the others the files are compared with what is pinned, which takes 0.05 seconds.
        """
        self._look_for_damage()
        for model in self.asked:  # here and not on the thread of verdicts, whose heap would keep what this takes
            self.track_record(_WARM_UP, model)
        if self.models:
            self.analyse(_WARM_UP)
        for model in self.beside:
            self.explain(_WARM_UP, model, self.methods(model)[0])

    def _look_for_damage(self) -> None:
        for model in self.models:
            try:
                model_folder.verify(self.settings.models / model)
            except (model_folder.WrongFile, OSError) as error:
                logger.error("%s cannot be asked: %s", model, error)
                self.damaged = (*self.damaged, model)

    def check(self, title: str, body: str) -> str:
        """Join title and body and refuse what cannot be analysed.

        Returns
        -------
        str
            Of the same length as given, lone surrogates replaced, ready for `analyse` and `explain`.

        Raises
        ------
        InputError
            If there are no words to read (`Wordless` where there is a text), or more than `settings.max_chars`
            characters.
        """
        text = encodable(texts.join(title, body))
        if len(text) > self.settings.max_chars:
            raise InputError(
                f"This text has {len(text):,} characters; up to {self.settings.max_chars:,} can be analysed at once, "
                "so shorten it or send it in parts."
            )
        if not text.strip():
            raise InputError("There is no text yet: paste an article, at least a few sentences long.")
        _check_words(text)
        return text

    def analyse(self, text: str, models: Sequence[str] | None = None, records: bool = True) -> Analysis:
        """Ask models about a text that `check` returned.

        Without `records` the held-out articles like it are not looked up; nor are they where none is like it.

        Raises
        ------
        InputError
            If a model is unknown or not here.
        """
        asked = models or self.asked
        if not asked:
            raise InputError('No trained model is in FAKENEWS_MODELS: train one with "fakenews train".')
        started = time.perf_counter()
        with self._turns.urgent():
            predictions = self._judge(text, tuple(asked))
        for model, said in zip(asked, predictions, strict=True):
            self._said.put(self._judged(text, model), said.margin)
        self._verdicts.put(self._judged_by(text, asked), predictions)
        n_words = len(clean_text(text).words)
        told = zip(asked, predictions, strict=True) if records and n_words >= MIN_WORDS else ()
        found = (self.track_record(text, model) for model, said in told if not UNLIKE & set(said.reasons))
        tracks = tuple(record for record in found if record is not None)
        return Analysis(text, n_words, predictions, time.perf_counter() - started, tracks)

    def _judge(self, text: str, models: tuple[str, ...]) -> tuple[Prediction, ...]:
        if self._together is None:
            return self.judge_many([text], models)[0]
        try:
            return self._together.ask(models, text)
        except Full:
            raise Busy("Too many articles are being read at this moment: try again in a few seconds.") from None

    def _politely(self, progress: Callable[[float], None] | None) -> Callable[[float], None]:
        """A progress report that first lets verdicts go ahead."""

        def report(share: float) -> None:
            self._turns.give_way()
            if progress is not None:
                progress(share)

        return report

    def judge_many(
        self,
        texts: Sequence[str],
        models: Sequence[str] | None = None,
        compare: bool = True,
    ) -> list[tuple[Prediction, ...]]:
        """What models say of texts that `check` returned, or of longer ones, each as if it were asked alone.

        Unless they `compare`, verdicts stand whatever those on text like it were worth.

        Raises
        ------
        InputError
            If a model is unknown or not here, or two of them have the same name.
        """
        asked = models or self.asked
        self._check_names(asked)
        with cleaning_once():
            return self._judged_together(texts, asked, compare)

    def _judged_together(
        self, texts: Sequence[str], asked: Sequence[str], compare: bool
    ) -> list[tuple[Prediction, ...]]:
        n_words = [len(clean_text(text).words) for text in texts]
        english = [is_english(text) for text in texts]
        answers: dict[int, _Answers] = {}
        said: dict[str, list[Prediction]] = {}
        for model in sorted(asked, key=lambda m: m in MEMBERS):  # last, because it needs what the others found
            stored, classifier = self._stored(model)
            scores, unlike = answers[id(classifier)] = self._scores(classifier, texts, answers)
            p_fake = classifier.calibrated(scores)
            alone = [
                judge(
                    stored.name, float(p_fake[i]), float(scores.log_odds[i]), n_words[i],
                    english=english[i], unlike_training=bool(unlike[i]),
                )
                for i in range(len(texts))
            ]  # fmt: skip
            alone = [
                p if _UNMEASURED & set(p.reasons) else replace(p, share_fake=self.share_fake(model, p.p_fake))
                for p in alone
            ]
            said[stored.name] = [
                taken_back(p, "mostly_wrong") if compare and self._was_mostly_wrong(text, model, p) else p
                for text, p in zip(texts, alone, strict=True)
            ]
        names = [self._stored(model)[0].name for model in asked]
        return [reconcile([said[name][i] for name in names]) for i in range(len(texts))]

    def is_learnt(self, table: pd.DataFrame, models: Sequence[str]) -> NDArray[np.bool_]:
        """Of each article of a labelled table (`table.read_table`), whether one of the models is known to know it.

        By its text alone: it stands among the committed predictions, in a corpus that a model learnt from, and was not
        held out. That is nearly all of most corpora, and eight in ten training articles of ISOT.
        """
        from fakenews.data.table import article_id

        learnt = set().union(*map(self._learnt_ids, models))
        ways = (table["text"], table["text"].str.replace("\r\n", "\n").str.strip())
        found: NDArray[np.bool_] = np.any([texts.map(article_id).isin(learnt) for texts in ways], axis=0)
        return found

    def _learnt_ids(self, model: str) -> set[str]:
        from fakenews.evidence.files import read_predictions
        from fakenews.evidence.protocols import SHIPPED

        try:
            rows = read_predictions(self.settings.models / model, None)
        except FileNotFoundError:
            return set()
        rows = rows[rows["corpus"].isin(self.learnt_from(model))]
        return set(rows["id"]) - set(rows["id"][rows["protocol"].isin(SHIPPED)])

    def measure_table(
        self, table: pd.DataFrame, model: str, progress: Callable[[float], None] | None = None
    ) -> TableResult:
        """Ask a model about the articles of a labelled table (`table.read_table`), and measure its answers.

        What is known of the model's verdicts on these very articles withdraws none of them: the labels that are
        measured against are behind it.

        Raises
        ------
        InputError
            If the model is unknown or not here.
        """
        from fakenews.data.table import joined_texts
        from fakenews.metrics.verdicts import table_result

        asked, neighbours = joined_texts(table), self._neighbours
        predictions: list[Prediction] = []
        vectors: list[NDArray[np.float32]] = []
        for start in range(0, len(asked), TABLE_CHUNK):
            part = asked[start : start + TABLE_CHUNK]
            with cleaning_once():
                predictions += [said for (said,) in self.judge_many(part, (model,), compare=False)]
                vectors += [] if neighbours is None else list(neighbours.project(part))
            if progress:
                progress(len(predictions) / len(asked))
        return table_result(self._compared(predictions, asked, vectors, model), table["label"].tolist())

    def _compared(
        self,
        predictions: Sequence[Prediction],
        texts: Sequence[str],
        vectors: Sequence[NDArray[np.float32]],
        model: str,
    ) -> list[Prediction]:
        """Take back the verdicts that the record on text like theirs speaks against, outside of these very texts."""
        from fakenews.similar.neighbours import record_of

        neighbours, made = self._neighbours, self._outcomes(model)
        if neighbours is None or made is None:
            return list(predictions)
        measured = np.zeros(len(made), dtype=bool)
        for text, vector in zip(texts, vectors, strict=True):
            measured |= neighbours.identical(text, neighbours.cosines(vector))
        found = []
        for prediction, vector in zip(predictions, vectors, strict=True):
            record = record_of(neighbours, made, neighbours.cosines(vector), measured, model)
            is_wrong = record is not None and record.mostly_wrong
            found.append(taken_back(prediction, "mostly_wrong") if is_wrong else prediction)
        return found

    def score_corpus(
        self, table: pd.DataFrame, corpus: str, model: str, progress: Callable[[float], None] | None = None
    ) -> NDArray[np.float64]:
        """Probabilities of fake for the articles of a labelled table that a model did not learn from.

        Verdicts go ahead.

        Raises
        ------
        InputError
            If the model is unknown or not here.
        Cancelled
            If `progress` raised it.
        """
        self.classifier(model)
        report, found = self._politely(progress), []
        for start in range(0, len(table), self.scored_chunk):
            report(start / len(table))
            found.append(self._p_fake(table.iloc[start : start + self.scored_chunk], corpus, model))
        return np.concatenate(found)

    def _p_fake(self, part: pd.DataFrame, corpus: str, model: str) -> NDArray[np.float64]:
        """Probabilities of fake for a few articles of a corpus, asked at once."""
        from fakenews.evidence.predictions import predict_frame

        rows = predict_frame(self.classifier(model), part, corpus, "all")
        return np.asarray(rows["p_fake"], dtype=np.float64)

    def formatting_test(self, text: str, models: Sequence[str] | None = None) -> FormattingTest:
        """Ask models again under every edit of `formatting.EDITS`; `text` is what `check` returned.

        Apart from `analyse`, because cleaning sixteen variants of a long article costs more than the verdict itself:
        the verdict stands at once, and `Analysis.tested` takes it back if an edit turned it round. Each model is
        asked once, for the different readings that are left after its cleaning.

        Raises
        ------
        InputError
            If a model is unknown or not here.
        """
        started = time.perf_counter()
        edited = formatting.variants(text)
        before: dict[str, float] = {}
        after: dict[str, list[float]] = {}
        for model in models or self.asked:
            stored, classifier = self._stored(model)
            p_fake = classifier.calibrated(distinct_scores(classifier, (text, *edited))).tolist()
            before[stored.name], after[stored.name] = p_fake[0], p_fake[1:]
        outcomes = formatting.outcomes(before, [variant != text for variant in edited], after)
        return FormattingTest(formatting.FORMATTING_VERSION, before, outcomes, time.perf_counter() - started)

    def methods(self, model: str) -> tuple[str, ...]:
        """Names of the explainers a model can be asked with, fastest first."""
        return explainers.methods_for(self.classifier(model))

    def method(self, model: str, wanted: str | None = None) -> str:
        """The explainer `wanted`, if the model can be asked with it, else its quickest.

        Raises
        ------
        InputError
            If the model or the explainer is unknown.
        """
        known = self.methods(model)
        try:
            return known[0] if wanted is None or explainers.get(wanted).name not in known else wanted
        except ValueError as error:
            raise InputError(str(error)) from error

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
        *_, last = self.refine(text, model, method, n_samples, seed, target, progress)
        return last.explanation

    def refine(
        self,
        text: str,
        model: str,
        method: str,
        n_samples: int | None = None,
        seed: int = 42,
        target: Target = "fake",
        progress: Callable[[float], None] | None = None,
    ) -> Iterator[Refinement]:
        """Explain as `explain` does, better and better; what is in memory is given at once.

        Raises
        ------
        InputError, Cancelled
            As `explain` raises them.
        """
        stored, _ = self._stored(model)
        key = ExplanationKey.of(text, stored.name, stored.revision, method, target, n_samples, seed)
        found = self._cache.get(key)
        if found is not None:
            yield Refinement(found, 1.0, 0.0)
            return
        try:
            for step in self._steps(text, model, method, n_samples, seed, target, progress):
                if step.share >= 1.0:
                    self._cache.put(key, step.explanation)
                yield step
        except ValueError as error:
            raise InputError(str(error)) from error

    def _steps(
        self,
        text: str,
        model: str,
        method: str,
        n_samples: int | None,
        seed: int,
        target: Target,
        progress: Callable[[float], None] | None,
    ) -> Iterator[Refinement]:
        spec, classifier = explainers.get(method), self.classifier(model)
        able = explainers.methods_for(classifier)
        if method not in able:
            raise ValueError(f"The explainer {method} cannot explain {model!r}; these can: {', '.join(able)}.")
        yield from spec.load().refine(
            text, classifier, target=target, n_samples=n_samples, seed=seed,
            progress=self._politely(progress), margin=self._said.get(self._judged(text, model)),
        )  # fmt: skip

    def _judged_by(self, text: str, models: Sequence[str]) -> ExplanationKey:
        """Under which key the predictions of models that were asked together are kept."""
        revisions = " ".join(self._stored(model)[0].revision for model in models)
        return ExplanationKey.of(text, " ".join(models), revisions, "verdict", "fake", None, 0)

    def _judged(self, text: str, model: str) -> ExplanationKey:
        """Under which key the log-odds of a judged text are kept."""
        stored, _ = self._stored(model)
        return ExplanationKey.of(text, stored.name, stored.revision, "verdict", "fake", None, 0)

    def grade(
        self, explanation: Explanation, model: str, progress: Callable[[float], None] | None = None
    ) -> Explanation:
        """The same explanation with its grade; the bounds it is graded between are found once for a text.

        Raises
        ------
        Cancelled
            If `progress` raised it.
        """
        from fakenews.explain.faithfulness import find_bounds, grade

        if explanation.grade is not None or not explanation.attributions:
            return explanation
        stored, classifier = self._stored(model)
        report = self._politely(progress)
        key = ExplanationKey.of(explanation.text, stored.name, stored.revision, "", "fake", None, 0)
        bounds = self._bounds.get(key)
        if bounds is None:
            bounds = find_bounds(explanation.text, classifier, progress=report)
            self._bounds.put(key, bounds)
        return replace(explanation, grade=grade(explanation, classifier, bounds, report))

    def agreement(
        self,
        text: str,
        models: Sequence[str],
        methods: Sequence[str] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Agreement:
        """How alike models and methods rank the words of a text that `check` returned.

        Every method that a model supports, or those of `methods` that it supports.

        Raises
        ------
        InputError
            If there are fewer than two explanations to compare, or a name is unknown.
        Cancelled
            If `progress` raised it.
        """
        from fakenews.explain.agreement import agreement

        for method in methods or ():
            if method not in explainers.EXPLAINERS:
                raise InputError(f"Unknown explainer {method[:40]!r}. Known: {', '.join(explainers.EXPLAINERS)}.")
        found = [
            self.explain(text, model, method, progress=progress)
            for model in models
            for method in self.methods(model)
            if not methods or method in methods
        ]
        if len(found) < 2:
            raise InputError("There is nothing to compare: name two models, or a model and two methods.")
        return agreement(found)

    def words_across(
        self, texts: Sequence[str], model: str, progress: Callable[[float], None] | None = None
    ) -> tuple[WordTotal, ...]:
        """Words that moved a model across articles, by its quickest explanation; those without words are passed over.

        Raises
        ------
        InputError
            If the model is unknown, or has no quick explanation.
        Cancelled
            If `progress` raised it.
        """
        from fakenews.explain.global_importance import across

        if self.methods(model)[0] not in QUICK:
            raise InputError(f"{self.title(model)} has no quick explanation, so many articles would take too long.")

        def explained() -> Iterator[Explanation]:
            for i, explanation in enumerate(self._quick_explanations(texts, model)):
                if progress:
                    progress(i / len(texts))
                yield explanation

        return across(explained())

    def _quick_explanations(self, texts: Sequence[str], model: str) -> Iterator[Explanation]:
        """Explain each text by the quickest method of a model."""
        classifier, explainer = self.classifier(model), explainers.get(self.methods(model)[0]).load()
        for text in texts:
            yield explainer.explain(encodable(text), classifier)

    def smallest_flip(self, text: str, model: str, progress: Callable[[float], None] | None = None) -> Flip:
        """The fewest sentences without which a model's answer turns round; `text` is what `check` returned.

        Raises
        ------
        Cancelled
            If `progress` raised it.
        """
        from fakenews.explain.flip import smallest_flip

        stored, classifier = self._stored(model)
        return replace(smallest_flip(text, classifier, self._politely(progress)), model=stored.name)

    def what_if(self, text: str, edited: str, models: Sequence[str] | None = None) -> WhatIf:
        """What models say of a text that `check` returned, and of an edited one, which may be of any length.

        A text that the same models have judged before is not judged again.

        Raises
        ------
        InputError
            If the edited text is too long or has no words left, or a model is unknown.
        """
        if len(edited) > self.settings.max_chars:
            raise InputError(
                f"The edited text has {len(edited):,} characters; at most {self.settings.max_chars:,} fit."
            )
        started = time.perf_counter()
        edited = encodable(edited)
        _check_words(edited)
        before, after = (self._predictions_of(t, models or self.asked) for t in (text, edited))
        return WhatIf(edited, before, after, time.perf_counter() - started)

    def _predictions_of(self, text: str, models: Sequence[str]) -> tuple[Prediction, ...]:
        """What models say of a text, from memory where they were asked together before."""
        known = self._verdicts.get(self._judged_by(text, models))
        return self.analyse(text, models, records=False).predictions if known is None else known

    def evidence(self, model: str) -> ModelEvidence | None:
        """The committed evaluation of a model; None where it has none."""
        from fakenews.evidence.files import read_evaluation

        try:
            return read_evaluation(self.settings.models / model)
        except FileNotFoundError:
            return None

    def record(self, model: str) -> str:
        """One sentence on what a model reached where it was measured; empty without evidence."""
        from fakenews.reporting.digits import metric_text

        evidence = self.evidence(model)
        if evidence is None:
            return ""
        home = next((e for name, e in evidence.corpora.items() if name.endswith("/test")), None)
        others = [e.accuracy for e, _ in evidence.unseen.values()]
        sentence = (
            f"Right on {metric_text(home, 'accuracy').value} of unseen articles of publishers it had seen"
            if home
            else ""
        )
        if home and others:
            span = f"{100 * min(others):.0f} to {100 * max(others):.0f} %"
            sentence += f", but only {span} on {len(others)} corpora it had not seen"
        return sentence and f"{sentence}."

    def predictions(self, model: str, protocol: str | None = None) -> pd.DataFrame:
        """The committed predictions of a model: protocol, id, corpus, split, label, p_fake, margin, in_domain.

        Of one protocol, or of all that ask the model as it is about whole articles.
        """
        from fakenews.evidence.files import read_predictions
        from fakenews.evidence.protocols import SHIPPED

        return read_predictions(self.settings.models / model, [protocol] if protocol else SHIPPED)

    def training_history(self, model: str) -> dict[str, list[dict[str, Any]]]:
        """Rows logged while a model was trained (epoch, loss, …), by stage; empty where none were kept."""
        path = self.settings.models / model / "training.json"
        if not path.is_file():
            return {}
        stages: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        return {stage: rows for stage, rows in stages.items() if rows}

    def measured(self) -> pd.DataFrame:
        """The committed predictions of all models here that have any, in one."""
        import pandas as pd

        frames = [self.predictions(model) for model in self.models if self.evidence(model) is not None]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["corpus", "split", "id"])

    def track_record(self, text: str, model: str) -> TrackRecord | None:
        """How a model fared on the held-out articles most like a text that `check` returned.

        None where there is no store of articles, or the model was never measured on them, or lies in another folder.

        Raises
        ------
        InputError
            If the model is unknown.
        """
        from fakenews.similar.neighbours import track_record

        made = self._outcomes(model)
        if self._neighbours is None or made is None:
            return None
        return track_record(self._neighbours, made, text, self._stored(model)[0].name)

    def _outcomes(self, model: str) -> NDArray[np.int8] | None:
        """What a model made of the articles of the store; None as for `track_record`."""
        from fakenews.evidence.predictions import judged
        from fakenews.similar.neighbours import outcomes

        stored = self._stored(model)[0]
        name = stored.name
        if self._neighbours is None or stored.folder != self.settings.models / name:
            return None
        if name not in self._made:
            if self.evidence(name) is None:
                return None
            rows = self._unseen(name)
            placed = rows[rows["corpus"].isin(list(set(self._neighbours.corpora)))]
            self._made[name] = outcomes(self._neighbours, judged(placed))
        return self._made[name]

    def share_fake(self, model: str, p_fake: float) -> float | None:
        """Share labeled fake among articles of publishers never seen in training that a model gave this probability.

        None where the model was not measured on corpora left out of its training.
        """
        from fakenews.evidence.reliability import share_like_this

        if model not in self._reliabilities:
            evidence = self.evidence(model)
            self._reliabilities[model] = evidence.reliability if evidence else None
        curve = self._reliabilities[model]
        return None if curve is None else share_like_this(curve, p_fake)

    def _was_mostly_wrong(self, text: str, model: str, prediction: Prediction) -> bool:
        """Whether there is a verdict that the record on text like this speaks against."""
        record = self.track_record(text, model) if prediction.verdict != "cannot_judge" else None
        return record is not None and record.mostly_wrong

    def _unseen(self, model: str) -> pd.DataFrame:
        """Answers to articles of publishers that were not learnt from, where there are such, else to held-out ones."""
        from fakenews.evidence.files import read_predictions
        from fakenews.evidence.protocols import LEFT_OUT, SHIPPED

        rows = read_predictions(self.settings.models / model, (LEFT_OUT, *SHIPPED))
        return rows.sort_values("protocol", key=lambda p: p != LEFT_OUT, kind="stable").drop_duplicates(
            ["corpus", "id"]
        )

    @cached_property
    def _neighbours(self) -> Neighbours | None:
        from fakenews.similar.neighbours import Neighbours

        folder = self.settings.models / NEIGHBOURS_FOLDER
        model_folder.verify(folder)
        return Neighbours.load(folder)

    def corpus(self, name: str) -> pd.DataFrame:
        """Texts of a corpus.

        Raises
        ------
        TextNotHere
            If they are not on this machine; the message says how to get them.
        """
        return corpora.load(name, self.settings.data)

    def _stored(self, model: str) -> tuple[model_folder.StoredModel, TextClassifier]:
        with self._loading:
            if model not in self._classifiers:
                try:
                    stored = store.find(model, self.settings.models)
                    self._classifiers[model] = (stored, self._load(stored))
                except model_folder.WrongFile as error:
                    raise Unusable(str(error)) from error
                except (ValueError, model_folder.ModelNotHere) as error:
                    raise InputError(str(error)) from error
            return self._classifiers[model]

    def _load(self, stored: model_folder.StoredModel) -> TextClassifier:
        if stored.name not in MEMBERS:
            return store.load(stored, self.settings.device)
        with model_folder.reading(stored):
            return EnsembleClassifier.load(stored.folder, self._member)

    def _member(self, stored: model_folder.StoredModel) -> TextClassifier:
        """A model beside an ensemble, in memory once."""
        is_shipped = stored.folder == self.settings.models / stored.name
        return self.classifier(stored.name if is_shipped else str(stored.folder))

    def _check_names(self, models: Sequence[str]) -> None:
        """Answers go by the model's name: a folder and the model here that it is another version of would be mixed up.

        Raises
        ------
        InputError
            If two folders have the same name.
        """
        folders: dict[str, Path] = {}
        for model in models:
            stored = self._stored(model)[0]
            if folders.setdefault(stored.name, stored.folder) != stored.folder:
                raise InputError(f"Two of these models are a {stored.name}: ask them one after the other.")

    def _scores(self, classifier: TextClassifier, texts: Sequence[str], known: dict[int, _Answers]) -> _Answers:
        """Scores, and whether each text is unlike the training data in the classifier's own space.

        A classifier that has no measure of its own is spoken for by the baseline, where there is one; an ensemble by
        its members, whose answers may be `known` already, by the object, and are afterwards.
        """
        if isinstance(classifier, EnsembleClassifier):
            for member in classifier.members.values():
                if id(member) not in known:
                    known[id(member)] = self._scores(member, texts, known)
            found = [known[id(member)] for member in classifier.members.values()]
            unlike = [far for (_, far), m in zip(found, classifier.members.values(), strict=True) if _measures(m)]
            together = classifier.combine_scores([s for s, _ in found])
            return together, np.all(unlike, axis=0) if unlike else np.zeros(len(texts), dtype=bool)
        if own := _scores_and_novelty(classifier, texts):
            return own
        other = _scores_and_novelty(self.classifier("tfidf"), texts) if "tfidf" in self.models else None
        return classifier.predict_scores(texts), np.zeros(len(texts), dtype=bool) if other is None else other[1]


def _measures(classifier: TextClassifier) -> bool:
    """Whether a classifier can say how far a text is from its own training."""
    return "novelty" in classifier.info_ and isinstance(classifier, OutOfDomainDetector)


def _scores_and_novelty(classifier: TextClassifier, texts: Sequence[str]) -> _Answers | None:
    measure = classifier.info_.get("novelty")
    if measure is None or not isinstance(classifier, OutOfDomainDetector):
        return None
    scores, distances = classifier.predict_with_ood_score(texts)
    return scores, distances > measure["threshold"]
