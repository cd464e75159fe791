"""Work on whole labeled tables: measure a model on one, score a corpus, recognize training articles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import cleaning_once
from fakenews.engine.device import VERDICT_SECONDS, Device
from fakenews.engine.evidence_store import EvidenceStore
from fakenews.engine.judge import Judge
from fakenews.engine.pool import ModelPool
from fakenews.explain.base import Progress
from fakenews.metrics.verdicts import TableResult, table_result
from fakenews.schema import Prediction
from fakenews.verdict import withdrawn

if TYPE_CHECKING:
    import pandas as pd


CHUNK = 128  # articles between two reports of progress
SCORED_CHUNK = 16  # and where visitors may change their mind in between


class Tables:
    """Work on labeled tables (`data.table.read_table`); an unknown model is an `InputError`."""

    def __init__(self, pool: ModelPool, evidence: EvidenceStore, judge: Judge, device: Device) -> None:
        self._pool = pool
        self._evidence = evidence
        self._judge = judge
        self._scored_chunk = CHUNK if device.is_lent else SCORED_CHUNK  # each call is paid for
        self._score_there = device.bind(self._score, VERDICT_SECONDS)

    def is_trained_on(self, table: pd.DataFrame, models: Sequence[str]) -> NDArray[np.bool_]:
        """Return for each article whether one of the models is known to have been trained on it, by its text alone."""
        from fakenews.data.table import article_id

        known = set().union(*map(self._evidence.training_ids, models))
        spellings = (table["text"], table["text"].str.replace("\r\n", "\n").str.strip())
        is_known: NDArray[np.bool_] = np.any([texts.map(article_id).isin(known) for texts in spellings], axis=0)
        return is_known

    def measure(self, table: pd.DataFrame, model: str, progress: Progress | None = None) -> TableResult:
        """Ask a model about the articles of a table, and measure its answers.

        What is known of the model's verdicts on these very articles withdraws none of them: the labels that are
        measured against are behind it.
        """
        from fakenews.data.table import joined_texts

        texts, neighbors = joined_texts(table), self._evidence.neighbors
        predictions: list[Prediction] = []
        vectors: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), CHUNK):
            part = texts[start : start + CHUNK]
            with cleaning_once():
                predictions += [prediction for (prediction,) in self._judge.judge_many(part, (model,), compare=False)]
                vectors += [] if neighbors is None else list(neighbors.project(part))
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
        from fakenews.similar.track_record import record_of

        neighbors, outcomes = self._evidence.neighbors, self._evidence.outcomes(model)
        if neighbors is None or outcomes is None:
            return list(predictions)
        measured = np.zeros(len(outcomes), dtype=bool)
        for text, vector in zip(texts, vectors, strict=True):
            measured |= neighbors.identical(text, neighbors.cosines(vector))
        compared = []
        for prediction, vector in zip(predictions, vectors, strict=True):
            record = record_of(neighbors, outcomes, neighbors.cosines(vector), measured, model)
            is_wrong = record is not None and record.mostly_wrong
            compared.append(withdrawn(prediction, "mostly_wrong") if is_wrong else prediction)
        return compared

    def score_corpus(
        self, table: pd.DataFrame, corpus: str, model: str, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return probabilities of fake for articles that a model was not trained on."""
        self._pool.classifier(model)
        p_fake = []
        for start in range(0, len(table), self._scored_chunk):
            if progress:
                progress(start / len(table))
            p_fake.append(self._score_there(table.iloc[start : start + self._scored_chunk], corpus, model))
        return np.concatenate(p_fake)

    def _score(self, part: pd.DataFrame, corpus: str, model: str) -> NDArray[np.float64]:
        """Return probabilities of fake for a few articles of a corpus, asked at once."""
        from fakenews.evidence.predictions import predict_frame

        rows = predict_frame(self._pool.classifier(model), part, corpus, "all")
        return np.asarray(rows["p_fake"], dtype=np.float64)
