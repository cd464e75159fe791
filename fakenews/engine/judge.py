"""Judge texts: log-odds of the models, the verdict policy, and every reason for declining a verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fakenews import formatting
from fakenews.classifiers.base import (
    OutOfDomainDetector,
    Scores,
    TextClassifier,
    clean_text,
    cleaning_once,
    distinct_scores,
    is_calibrated,
    reads_any_language,
)
from fakenews.classifiers.ensemble import MEMBERS, EnsembleClassifier
from fakenews.classifiers.model_folder import SOURCE
from fakenews.engine.cache import Cache, digest
from fakenews.engine.device import VERDICT_SECONDS, Device
from fakenews.engine.errors import EmptyText, InputError
from fakenews.engine.evidence_store import EvidenceStore
from fakenews.engine.pool import ModelPool
from fakenews.engine.scheduler import Scheduler
from fakenews.engine.tokens import Token
from fakenews.engine.values import Analysis, WhatIf
from fakenews.formatting import FormattingTest
from fakenews.language import is_english
from fakenews.schema import Prediction
from fakenews.text import encodable, join
from fakenews.verdict import MIN_WORDS, UNLIKE, judge, reconcile, withdrawn

_UNMEASURED = UNLIKE | {"too_short"}  # reasons for which no article that was measured is like a text
_Answers = tuple[Scores, NDArray[np.bool_]]  # scores, and whether each text is unlike the training data
_Key = tuple[str, str, str]  # digest of a text, names of models, their revisions


class Judge:
    """From texts to predictions, and a memory of them; all methods but `check` raise `InputError` as `ModelPool` does.

    Single texts reach the models through the scheduler, on the device.
    """

    def __init__(self, pool: ModelPool, evidence: EvidenceStore, scheduler: Scheduler, device: Device) -> None:
        self._pool = pool
        self._evidence = evidence
        self._scheduler = scheduler
        self._log_odds: Cache[_Key, float] = Cache()
        self._predictions: Cache[_Key, tuple[Prediction, ...]] = Cache()
        self._predict_there = device.bind(self._predict, VERDICT_SECONDS)
        self._probabilities_there = device.bind(self._probabilities, VERDICT_SECONDS)

    def check(self, title: str, body: str) -> str:
        """Join title and body and refuse, as `InputError`, what cannot be analyzed: no words, or too many characters.

        The text is of the same length as given, lone surrogates replaced, ready for `analyse` and for an explanation.
        """
        text = encodable(join(title, body))
        most = self._pool.settings.max_chars
        if len(text) > most:
            raise InputError(
                f"This text has {len(text):,} characters; up to {most:,} can be analyzed at once, so shorten it or "
                "send it in parts."
            )
        if not text.strip():
            raise InputError("There is no text yet: paste an article, at least a few sentences long.")
        _check_words(text)
        return text

    def analyse(
        self, text: str, models: Sequence[str] | None = None, records: bool = True, token: Token | None = None
    ) -> Analysis:
        """Ask models about a text that `check` returned.

        Without `records` the held-out articles like it are not looked up; nor are they where none is like it.

        Raises `Overloaded` if too many ask, and `Cancelled` if the token is cancelled while the text waits.
        """
        names = tuple(models or self._pool.defaults)
        if not names:
            raise InputError('No trained model is in FAKENEWS_MODELS: train one with "fakenews train".')
        started = time.perf_counter()
        predictions = self._scheduler.ask(self.judge_many, text, names, token)
        for model, prediction in zip(names, predictions, strict=True):
            self._log_odds.put(self._key(text, (model,)), prediction.log_odds)
        self._predictions.put(self._key(text, names), predictions)
        n_words = len(clean_text(text).words)
        like_it = zip(names, predictions, strict=True) if records and n_words >= MIN_WORDS else ()
        tracks = [self._evidence.track_record(text, model) for model, p in like_it if not UNLIKE & set(p.reasons)]
        known = tuple(record for record in tracks if record is not None)
        return Analysis(text, predictions, n_words, time.perf_counter() - started, known)

    def judge_many(
        self, texts: Sequence[str], models: Sequence[str] | None = None, compare: bool = True
    ) -> list[tuple[Prediction, ...]]:
        """Return predictions for texts that `check` returned, or for longer ones, each as if it were asked alone.

        Unless they `compare`, verdicts stand whatever those on text like it were worth.
        """
        names = tuple(models or self._pool.defaults)
        self._pool.check_names(names)
        return self._predict_there(list(texts), names, compare)

    def what_if(self, text: str, edited: str, models: Sequence[str] | None = None) -> WhatIf:
        """Ask models about a text that `check` returned, and about an edited one, which may be of any length.

        A text that the same models have judged before is not judged again; an edited one that is too long or has no
        words left is an `InputError`.
        """
        most = self._pool.settings.max_chars
        if len(edited) > most:
            raise InputError(f"The edited text has {len(edited):,} characters; at most {most:,} fit.")
        started = time.perf_counter()
        edited = encodable(edited)
        _check_words(edited)
        names = tuple(models or self._pool.defaults)
        before, after = (
            self._predictions.get(self._key(t, names)) or self.analyse(t, names, records=False).predictions
            for t in (text, edited)
        )
        return WhatIf(edited, before, after, time.perf_counter() - started)

    def formatting_test(self, text: str, models: Sequence[str] | None = None) -> FormattingTest:
        """Ask models again under every edit of `formatting.EDITS`; `text` is what `check` returned.

        Apart from `analyse`, because cleaning sixteen edits of a long article costs more than the verdict itself:
        the verdict stands at once, and `Analysis.tested` withdraws it if an edit flipped it. Each model is asked once,
        for the different readings that are left after its cleaning.
        """
        started = time.perf_counter()
        edited = list(formatting.edited_texts(text))
        p_fake = self._probabilities_there([text, *edited], tuple(models or self._pool.defaults))
        before, after = {m: p[0] for m, p in p_fake.items()}, {m: p[1:] for m, p in p_fake.items()}
        outcomes = formatting.outcomes(before, [edit != text for edit in edited], after)
        return FormattingTest(formatting.FORMATTING_VERSION, before, outcomes, time.perf_counter() - started)

    def known_log_odds(self, text: str, model: str) -> float | None:
        """Return the log-odds of a text that a model has judged; None where it has not, or not lately."""
        return self._log_odds.get(self._key(text, (model,)))

    def _key(self, text: str, models: tuple[str, ...]) -> _Key:
        names = (self._pool.name(model) for model in models)
        return digest(text), " ".join(names), " ".join(self._pool.revision(model) for model in models)

    def _probabilities(self, texts: list[str], models: tuple[str, ...]) -> dict[str, list[float]]:
        """Return probabilities of fake of every text, by the name of each model."""
        known: dict[int, Scores] = {}

        def scores(classifier: TextClassifier) -> Scores:
            """Return scores; a model that stands beside an ensemble it belongs to is asked once."""
            if isinstance(classifier, EnsembleClassifier):
                return classifier.combine_scores([scores(member) for member in classifier.members.values()])
            if id(classifier) not in known:
                known[id(classifier)] = distinct_scores(classifier, texts)
            return known[id(classifier)]

        classifiers = {self._pool.name(model): self._pool.classifier(model) for model in models}
        with cleaning_once():
            return {name: c.calibrated(scores(c)).tolist() for name, c in classifiers.items()}

    def _predict(self, texts: list[str], models: tuple[str, ...], compare: bool) -> list[tuple[Prediction, ...]]:
        with cleaning_once():
            n_words = [len(clean_text(text).words) for text in texts]
            english = [is_english(text) for text in texts]
            answers: dict[int, _Answers] = {}
            predictions: dict[str, list[Prediction]] = {}
            for model in sorted(models, key=lambda m: m in MEMBERS):  # last, because it needs the others' answers
                classifier = self._pool.classifier(model)
                scores, unlike = answers[id(classifier)] = self._scores(classifier, texts, answers)
                p_fake = classifier.calibrated(scores)
                any_language = reads_any_language(classifier)
                single = [
                    judge(
                        self._pool.name(model), float(p_fake[i]), float(scores.log_odds[i]), n_words[i],
                        english=any_language or english[i], unlike_training=bool(unlike[i]),
                        calibrated=is_calibrated(classifier),
                    )
                    for i in range(len(texts))
                ]  # fmt: skip
                predictions[model] = [
                    self._with_evidence(p, text, model, compare) for p, text in zip(single, texts, strict=True)
                ]
        return [reconcile([predictions[model][i] for model in models]) for i in range(len(texts))]

    def _with_evidence(self, prediction: Prediction, text: str, model: str, compare: bool) -> Prediction:
        """Add what was measured of articles that scored alike; withdraw a verdict that such texts speak against."""
        if not _UNMEASURED & set(prediction.reasons):
            prediction = replace(prediction, share_fake=self._evidence.share_fake(model, prediction.p_fake))
        if not compare or prediction.verdict == "cannot_judge":
            return prediction
        record = self._evidence.track_record(text, model)
        is_wrong = record is not None and record.mostly_wrong
        return withdrawn(prediction, "mostly_wrong") if is_wrong else prediction

    def _scores(self, classifier: TextClassifier, texts: Sequence[str], known: dict[int, _Answers]) -> _Answers:
        """Return scores, and whether each text is unlike the training data in the classifier's own space.

        A classifier that has no measure of its own is spoken for by the baseline, where there is one, unless it was
        added and trained on other data; an ensemble by its members, whose answers may be `known` already, by the
        object, and are afterwards.
        """
        if isinstance(classifier, EnsembleClassifier):
            members = list(classifier.members.values())
            for member in members:
                if id(member) not in known:
                    known[id(member)] = self._scores(member, texts, known)
            unlike = [known[id(member)][1] for member in members if _measures(member)]
            combined = classifier.combine_scores([known[id(member)][0] for member in members])
            return combined, np.all(unlike, axis=0) if unlike else np.zeros(len(texts), dtype=bool)
        if own := _scores_and_novelty(classifier, texts):
            return own
        speaks = "tfidf" in self._pool.models and SOURCE not in classifier.info_
        baseline = self._pool.classifier("tfidf") if speaks else None
        other = None if baseline is None else _scores_and_novelty(baseline, texts)
        return classifier.predict_scores(texts), np.zeros(len(texts), dtype=bool) if other is None else other[1]


def _check_words(text: str) -> None:
    if not clean_text(text).words:
        raise EmptyText


def _measures(classifier: TextClassifier) -> bool:
    """Return whether a classifier can say how far a text is from its own training."""
    return "novelty" in classifier.info_ and isinstance(classifier, OutOfDomainDetector)


def _scores_and_novelty(classifier: TextClassifier, texts: Sequence[str]) -> _Answers | None:
    measure = classifier.info_.get("novelty")
    if measure is None or not isinstance(classifier, OutOfDomainDetector):
        return None
    scores, distances = classifier.predict_with_ood_score(texts)
    return scores, distances > measure["threshold"]
