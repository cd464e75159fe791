"""Read the committed evidence: evaluations, predictions, training histories, and how models fared on text like this."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers import model_folder
from fakenews.data import own
from fakenews.data import registry as corpora
from fakenews.engine.pool import ModelPool
from fakenews.evidence.protocols import LEFT_OUT, SHIPPED
from fakenews.evidence.reliability import share_like_this
from fakenews.reporting.digits import metric_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from fakenews.evidence.results import ModelEvidence
    from fakenews.similar.neighbors import Neighbors
    from fakenews.similar.track_record import TrackRecord

NEIGHBORS_FOLDER = "neighbours"  # beside the models, as it is stored


class EvidenceStore:
    """Files beside the models, and the texts of corpora; read once where they are small, and never written."""

    def __init__(self, pool: ModelPool) -> None:
        self._pool = pool
        self._folder = pool.settings.models
        self._evaluations: dict[str, ModelEvidence | None] = {}
        self._outcomes: dict[str, NDArray[np.int8]] = {}

    def evaluation(self, model: str) -> ModelEvidence | None:
        """Return the evaluation of a model, on corpora that were added here too; None where it has none."""
        from fakenews.evidence.files import EVALUATION, read_evaluation

        if model not in self._evaluations:
            folders = [self._folder / model, *self._own(model)]
            found = [read_evaluation(f) for f in folders if (f / EVALUATION).is_file()]
            self._evaluations[model] = found[0].with_others(found[1:]) if found else None
        return self._evaluations[model]

    def _own(self, model: str) -> list[Path]:
        """Return folders with answers of a model, as it is now, to corpora that were added here."""
        from fakenews.evidence.files import read_evaluation

        found = []
        for folder in own.evidence_folders(self._pool.settings.data, model):
            try:
                revision = read_evaluation(folder).training.get("revision")
            except (ValueError, OSError):  # cut short, or of another version: the corpus is scored when it is opened
                continue
            if revision == self._pool.revision(model):
                found.append(folder)
        return found

    def accuracy_sentence(self, model: str) -> str:
        """Return one sentence on what a model reached where it was measured; empty without evidence."""
        evaluation = self.evaluation(model)
        if evaluation is None:
            return ""
        in_domain = next((e for name, e in evaluation.corpora.items() if name.endswith("/test")), None)
        others = [e.accuracy for e, _ in evaluation.unseen.values()]
        if in_domain is None:
            return ""
        accuracy = metric_text(in_domain, "accuracy").value
        sentence = f"Right on {accuracy} of unseen articles of publishers it had seen"
        if others:
            span = f"{100 * min(others):.0f} to {100 * max(others):.0f}%"
            sentence += f", but only {span} on {len(others)} corpora it had not seen"
        return f"{sentence}."

    def predictions(self, model: str, protocol: str | None = None) -> pd.DataFrame:
        """Return the committed predictions of a model: protocol, id, corpus, split, label, p_fake, log-odds, in_domain.

        Of one protocol, or of all that ask the model as it is about whole articles.
        """
        import pandas as pd

        from fakenews.evidence.files import PREDICTIONS, read_predictions

        wanted = [protocol] if protocol else SHIPPED
        folders = [self._folder / model, *self._own(model)]
        return pd.concat(
            [read_predictions(f, wanted) for f in folders if (f / PREDICTIONS).is_file()], ignore_index=True
        )

    def all_predictions(self) -> pd.DataFrame:
        """Return the committed predictions of all models here that have any, in one table."""
        import pandas as pd

        frames = [self.predictions(model) for model in self._pool.models if self.evaluation(model) is not None]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["corpus", "split", "id"])

    def training_history(self, model: str) -> dict[str, list[dict[str, Any]]]:
        """Return rows logged while a model was trained (epoch, loss, …), by stage; empty where none were written."""
        path = self._folder / model / "training.json"
        if not path.is_file():
            return {}
        stages: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        return {stage: rows for stage, rows in stages.items() if rows}

    def training_ids(self, model: str) -> set[str]:
        """Return ids of articles that a model is known to have been trained on.

        They stand among the committed predictions, in a corpus of its training data, and were not held out. That is
        nearly all of most corpora, and eight in ten training articles of ISOT.
        """
        from fakenews.evidence.files import read_predictions

        try:
            rows = read_predictions(self._folder / model, None)
        except FileNotFoundError:
            return set()
        rows = rows[rows["corpus"].isin(self._pool.trained_on(model))]
        return set(rows["id"]) - set(rows["id"][rows["protocol"].isin(SHIPPED)])

    def track_record(self, text: str, model: str) -> TrackRecord | None:
        """Return how a model fared on the held-out articles most like a text that `Judge.check` returned.

        None where there is no store of articles, or the model was never measured on them, or lies in another folder.
        """
        from fakenews.similar.track_record import track_record

        outcomes = self.outcomes(model)
        if self.neighbors is None or outcomes is None:
            return None
        return track_record(self.neighbors, outcomes, text, self._pool.name(model))

    def outcomes(self, model: str) -> NDArray[np.int8] | None:
        """Return how a model fared on every article of `neighbors`, by `outcomes`; None as `track_record`."""
        from fakenews.evidence.files import read_predictions
        from fakenews.evidence.predictions import judged
        from fakenews.similar.track_record import outcomes

        stored = self._pool.stored(model)
        if self.neighbors is None or stored.folder != self._folder / stored.name:
            return None
        if stored.name not in self._outcomes:
            if self.evaluation(stored.name) is None:
                return None
            # Of articles of publishers never seen in training where there are such, else of held-out ones.
            rows = read_predictions(stored.folder, (LEFT_OUT, *SHIPPED))
            rows = rows.sort_values("protocol", key=lambda p: p != LEFT_OUT, kind="stable")
            rows = rows.drop_duplicates(["corpus", "id"])
            rows = rows[rows["corpus"].isin(self.neighbors.articles["corpus"].unique())]
            self._outcomes[stored.name] = outcomes(self.neighbors, judged(rows))
        return self._outcomes[stored.name]

    @cached_property
    def neighbors(self) -> Neighbors | None:
        """Held-out articles by likeness; None where there is no store of them."""
        from fakenews.similar.neighbors import Neighbors

        folder = self._folder / NEIGHBORS_FOLDER
        model_folder.verify(folder)
        return Neighbors.load(folder)

    def share_fake(self, model: str, p_fake: float) -> float | None:
        """Return the share labeled fake among articles of unseen publishers that a model gave this probability.

        None where the model was not measured on corpora left out of its training.
        """
        evaluation = self.evaluation(model)
        curve = None if evaluation is None else evaluation.reliability
        return None if curve is None else share_like_this(curve, p_fake)

    def corpus(self, name: str) -> pd.DataFrame:
        """Return the texts of a corpus.

        Raise `TextNotHere` if they are not on this machine; the message says how to get them.
        """
        return corpora.load(name, self._pool.settings.data)
