"""`fakenews data add`: give labels their meaning, measure what they are worth, split, audit, store, ask the models."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers import store
from fakenews.classifiers.base import Scores, cleaning_once
from fakenews.classifiers.model_folder import StoredModel
from fakenews.classifiers.precision import fast_products
from fakenews.data import own
from fakenews.data.audit import AuditReport, audit
from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.incoming import Incoming, Polarity
from fakenews.data.own import OwnCorpus
from fakenews.data.splits import grouped_split
from fakenews.data.table import joined_texts, write_table
from fakenews.evidence.files import write_evidence
from fakenews.evidence.predictions import prediction_rows
from fakenews.schema import FAKE, LABELS

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.classifiers.base import TextClassifier
    from fakenews.data.table import LabeledTable
    from fakenews.evidence.results import ModelEvidence

FAST = ("tfidf", "tinybert")  # the first that is here says which label is like fake news: in seconds, without torch
SAMPLE = 200  # articles that it is asked about
LEAST = 20  # articles of each class that a suspicion needs
CHUNK = 64
SEED = 42

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a model makes of the rows of each label."""

    title: str  # of the model
    # by value of the label: rows that it calls fake, and rows it was asked about
    called_fake: Mapping[str, tuple[int, int]]
    values: NDArray[np.str_]  # shape (n,)
    p_fake: NDArray[np.float64]  # shape (n,)

    def sentence(self, meaning: Mapping[str, str]) -> str:
        """Say how many rows of each label are called fake; of more than two, how many of each side if it is known."""
        counts = dict(self.called_fake)
        if len(counts) > 2 and meaning:
            sides = {name: [c for value, c in counts.items() if meaning[value] == name] for name in LABELS}
            counts = {name: (sum(n for n, _ in s), sum(of for _, of in s)) for name, s in sides.items() if s}
        shares = [f"{n / of:.0%} of {of} rows labeled {value}" for value, (n, of) in counts.items()]
        return f"{self.title} calls {' and '.join(shares)} fake."

    @property
    def fakest(self) -> str:
        """The label whose rows score highest, for a suggestion."""
        values = list(self.called_fake)
        return max(values, key=lambda value: float(self.p_fake[self.values == value].mean()))

    def doubts(self, meaning: Mapping[str, str]) -> str:
        """Say that labels may be the other way round: accuracy under one half, and ROC AUC under 0.4; else ""."""
        from sklearn.metrics import roc_auc_score

        is_fake = np.array([meaning[value] == LABELS[FAKE] for value in self.values])
        if min(is_fake.sum(), (~is_fake).sum()) < LEAST:
            return ""
        area = float(roc_auc_score(is_fake, self.p_fake))
        accuracy = float(((self.p_fake >= 0.5) == is_fake).mean())
        if area >= 0.4 or accuracy >= 0.5:
            return ""
        return (
            f"Read so, {self.title} has an accuracy of {accuracy:.0%} and a ROC AUC of {area:.2f}: the labels may "
            "be the other way round."
        )


def agreement(table: Incoming, models: Path, device: str, progress: Progress) -> Agreement | None:
    """Ask the fast model about a sample of a table, as many rows of each label; None where there is no such model."""
    from fakenews.classifiers.registry import of_folder

    here = [name for name in FAST if name in store.shipped(models)]
    if not here:
        return None
    stored = store.find(here[0], models)
    rng = np.random.default_rng(SEED)
    values = table.frame["label"].to_numpy(dtype=np.str_)
    worded = table.frame["text"].map(lambda text: isinstance(text, str) and bool(text.strip())).to_numpy(dtype=bool)
    rows = np.sort(
        np.concatenate([
            rng.permutation(np.flatnonzero((values == value) & worded))[: SAMPLE // len(table.values)]
            for value in list(table.values)[:SAMPLE]
        ])
    )  # fmt: skip
    if not len(rows):
        return None
    frame = table.frame.iloc[rows]
    titles = frame["title"] if "title" in frame else frame["text"].map(lambda _: "")
    texts = joined_texts(frame.assign(title=titles.map(lambda title: title if isinstance(title, str) else "")))
    p_fake, _ = _ask(store.load(stored, device), texts, lambda done: progress("checking the labels", done))
    called = {v: (int((p_fake[values[rows] == v] >= 0.5).sum()), int((values[rows] == v).sum())) for v in table.values}
    return Agreement(of_folder(stored).title, {v: c for v, c in called.items() if c[1]}, values[rows], p_fake)


def store_corpus(
    name: str,
    read: LabeledTable,
    polarity: Polarity,
    origin: str,
    folder: Path,
    notes: Sequence[str],
    progress: Progress,
) -> tuple[OwnCorpus, AuditReport]:
    """Split and audit a table, and store it as a corpus; on any failure nothing is left.

    Raise `ValueError` if it has too few different articles to be split.
    """
    frame = read.frame
    groups = near_duplicate_groups(frame["text"].tolist(), progress=lambda done: progress("finding duplicates", done))
    frame = frame.assign(split=grouped_split(frame["label"].tolist(), groups), group=groups, source_repo=origin)
    report = audit(frame, progress=lambda done: progress("auditing", done), groups=groups)
    path = folder / f"{name}.parquet"
    try:
        write_table(frame, path)
        counts = {label: int((frame["label"] == i).sum()) for i, label in enumerate(LABELS)}
        corpus = OwnCorpus(
            name, origin, date.today().isoformat(), dict(polarity.meaning), polarity.because, len(frame),
            counts["fake"], counts["real"],
            {str(part): int(n) for part, n in frame["split"].value_counts().items()}, own.unit_of(frame),
            hashlib.sha256(path.read_bytes()).hexdigest(), [*notes, *read.notes()[1:]], report.to_dict(),
        )  # fmt: skip
        own.write(corpus, folder)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return corpus, report


def measure_models(
    corpus: OwnCorpus,
    folder: Path,
    models: Path,
    device: str,
    n_articles: int,
    log: Callable[[str], None],
    progress: Progress,
) -> list[ModelEvidence]:
    """Ask every model here about articles of a corpus, drawn at random, and keep what they say beside it.

    Each model's evidence is written once it has answered, so that an interrupted run keeps that of the others. A model
    that was trained on the corpus is not asked.
    """
    from fakenews.classifiers import model_folder
    from fakenews.classifiers.ensemble import MEMBERS
    from fakenews.data.table import read_table

    frame = read_table(folder / f"{corpus.name}.parquet")
    if len(frame) > n_articles:
        rows = np.sort(np.random.default_rng(SEED).permutation(len(frame))[:n_articles])
        frame = frame.iloc[rows].reset_index(drop=True)
    names = [*(m for m in store.shipped(models) if m not in MEMBERS), *store.added(models)]
    names += [m for m in store.shipped(models) if m in MEMBERS]
    found, answers = [], dict[str, Scores]()
    for number, name in enumerate(names):
        try:
            stored = store.find(name, models)
            if corpus.name in model_folder.settings(stored.folder).get("data", {}).get("corpora", ()):
                continue
            classifier = store.load(stored, device)
        except (model_folder.WrongFile, ValueError) as error:
            log(f"{name} was not measured: {error}")
            continue

        def on_progress(share: float, number: int = number, name: str = name) -> None:
            progress(f"{name} reads {len(frame):,} articles of {corpus.name}", (number + share) / len(names))

        p_fake, answers[name] = _ask_member(classifier, joined_texts(frame), answers, on_progress)
        found.append(_write(classifier, stored, corpus, frame, answers[name], p_fake, folder))
    progress("", 1.0)
    return found


def _write(
    classifier: TextClassifier, stored: StoredModel, corpus: OwnCorpus, frame: pd.DataFrame, scores: Scores,
    p_fake: NDArray[np.float64], folder: Path,
) -> ModelEvidence:  # fmt: skip
    protocol = None if corpus.unit == "article" else "other"
    return write_evidence(
        own.evidence_folder(folder, corpus.name, stored.name),
        prediction_rows(frame, corpus.name, "all", scores, p_fake, protocol),
        model=stored.name,
        seed=SEED,
        cleaning={},
        training={"revision": stored.revision},
        size_mb=stored.size_mb,
        latency_ms=None,
        calibration={},
    )


def _ask_member(
    classifier: TextClassifier, texts: Sequence[str], known: Mapping[str, Scores], progress: Callable[[float], None]
) -> tuple[NDArray[np.float64], Scores]:
    """Ask a model; an ensemble by what its members have said."""
    from fakenews.classifiers.ensemble import EnsembleClassifier

    if isinstance(classifier, EnsembleClassifier) and all(name in known for name in classifier.members):
        scores = classifier.combine_scores([known[name] for name in classifier.members])
        return classifier.calibrated(scores), scores
    return _ask(classifier, texts, progress)


def _ask(
    classifier: TextClassifier, texts: Sequence[str], progress: Callable[[float], None]
) -> tuple[NDArray[np.float64], Scores]:
    parts: list[Scores] = []
    for start in range(0, len(texts), CHUNK):
        progress(start / len(texts))
        with fast_products(), cleaning_once():
            parts.append(classifier.predict_scores(texts[start : start + CHUNK]))
    scores = Scores(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    progress(1.0)
    return classifier.calibrated(scores), scores
