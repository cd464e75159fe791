"""Work on whole labelled tables: measure a model on one, score a corpus, recognise training articles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import reading_once
from fakenews.engine.device import VERDICT_SECONDS, Device
from fakenews.engine.evidence_store import EvidenceStore
from fakenews.engine.judge import Judge
from fakenews.engine.pool import ModelPool
from fakenews.engine.scheduler import Scheduler
from fakenews.schema import Prediction
from fakenews.verdict import taken_back

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.metrics.verdicts import TableResult

CHUNK = 128  # articles between two reports of progress
SCORED_CHUNK = 16  # and where visitors may change their mind in between


class Tables:
    """Work on labelled tables (`data.table.read_table`).

    Parameters
    ----------
    pool : ModelPool
    evidence : EvidenceStore
    judge : Judge
    scheduler : Scheduler
    device : Device
        Where the models are called; where calls are paid for they are as large as they may be.
    """

    def __init__(
        self, pool: ModelPool, evidence: EvidenceStore, judge: Judge, scheduler: Scheduler, device: Device
    ) -> None:
        self._pool = pool
        self._evidence = evidence
        self._judge = judge
        self._scheduler = scheduler
        self._scored_chunk = CHUNK if device.is_lent else SCORED_CHUNK
        self._score_there = device.bind(self._score, VERDICT_SECONDS)

    def is_trained_on(self, table: pd.DataFrame, models: Sequence[str]) -> NDArray[np.bool_]:
        """Return for each article whether one of the models is known to have been trained on it, by its text alone."""
        from fakenews.data.table import article_id

        known = set().union(*map(self._evidence.training_ids, models))
        spellings = (table["text"], table["text"].str.replace("\r\n", "\n").str.strip())
        found: NDArray[np.bool_] = np.any([texts.map(article_id).isin(known) for texts in spellings], axis=0)
        return found

    def measure(self, table: pd.DataFrame, model: str, progress: Callable[[float], None] | None = None) -> TableResult:
        """Ask a model about the articles of a table, and measure its answers.

        What is known of the model's verdicts on these very articles withdraws none of them: the labels that are
        measured against are behind it.

        Raises
        ------
        InputError
            If the model is unknown or not here.
        """
        from fakenews.data.table import joined_texts
        from fakenews.metrics.verdicts import table_result

        texts, neighbours = joined_texts(table), self._evidence.neighbours
        predictions: list[Prediction] = []
        vectors: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), CHUNK):
            part = texts[start : start + CHUNK]
            with reading_once():
                predictions += [prediction for (prediction,) in self._judge.judge_many(part, (model,), compare=False)]
                vectors += [] if neighbours is None else list(neighbours.project(part))
            if progress:
                progress(len(predictions) / len(texts))
        return table_result(self._compared(predictions, texts, vectors, model), table["label"].tolist())

    def _compared(
        self,
        predictions: Sequence[Prediction],
        texts: Sequence[str],
        vectors: Sequence[NDArray[np.float32]],
        model: str,
    ) -> list[Prediction]:
        """Withdraw the verdicts that the record on text like theirs speaks against, outside of these very texts."""
        from fakenews.similar.neighbours import record_of

        neighbours, outcomes = self._evidence.neighbours, self._evidence.outcomes(model)
        if neighbours is None or outcomes is None:
            return list(predictions)
        measured = np.zeros(len(outcomes), dtype=bool)
        for text, vector in zip(texts, vectors, strict=True):
            measured |= neighbours.identical(text, neighbours.cosines(vector))
        compared = []
        for prediction, vector in zip(predictions, vectors, strict=True):
            record = record_of(neighbours, outcomes, neighbours.cosines(vector), measured, model)
            is_wrong = record is not None and record.mostly_wrong
            compared.append(taken_back(prediction, "mostly_wrong") if is_wrong else prediction)
        return compared

    def score_corpus(
        self, table: pd.DataFrame, corpus: str, model: str, progress: Callable[[float], None] | None = None
    ) -> NDArray[np.float64]:
        """Return probabilities of fake for articles that a model was not trained on; verdicts go ahead.

        Raises
        ------
        InputError
            If the model is unknown or not here.
        Cancelled
            If `progress` raised it.
        """
        self._pool.classifier(model)
        report, p_fake = self._scheduler.politely(progress), []
        for start in range(0, len(table), self._scored_chunk):
            report(start / len(table))
            p_fake.append(self._score_there(table.iloc[start : start + self._scored_chunk], corpus, model))
        return np.concatenate(p_fake)

    def _score(self, part: pd.DataFrame, corpus: str, model: str) -> NDArray[np.float64]:
        """Return probabilities of fake for a few articles of a corpus, asked at once."""
        from fakenews.evidence.predictions import predict_frame

        rows = predict_frame(self._pool.classifier(model), part, corpus, "all")
        return np.asarray(rows["p_fake"], dtype=np.float64)
