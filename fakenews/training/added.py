"""Add a checkpoint of somebody else's training: read it, calibrate and measure it where a table is given, store it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers import checkpoint, hub, model_folder, store
from fakenews.classifiers.base import ANY, Calibration, Scores, cleaning_once, fit_calibration
from fakenews.schema import FAKE, LABELS
from fakenews.text import CLEANING, CLEANING_VERSION, RAW

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.classifiers.transformer import TransformerClassifier
    from fakenews.metrics.verdicts import TableResult

_HUB_ID = re.compile(r"[\w][\w.-]*(?:/[\w.-]+)?")
CLEANINGS = {"none": RAW, "neutral": CLEANING}
LANGUAGES = ("en", ANY)
MOST = 1000  # articles that are scored: more would take hours on a CPU and change little
LEAST = 20  # articles of each class
SEED = 42
LATENCY_ARTICLES = 5
CHUNK = 128  # articles that are scored at once
OVERLAP = 32  # word pieces of neighboring windows

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Addition:
    """What to add."""

    # name, title: of the folder and in the commands; on the page
    name: str
    source: str  # a folder, or a model id on the Hub
    title: str = ""
    revision: str | None = None  # of the Hub's model; the newest if left out
    fake: tuple[str, ...] = ()  # labels that are fake, by name or index
    # what is done to a text before it is read; None for what is better on `tables`, or none without these
    cleaning: str | None = None
    tables: tuple[Path, ...] = ()  # labeled tables to calibrate and measure on
    language: str = "en"  # of the articles it may judge
    platt: tuple[float, float] | None = None  # slope and shift of a calibration that was fitted elsewhere


def add(addition: Addition, models: Path, log: Log) -> Path:
    """Add a checkpoint to a folder of models; on any failure nothing is left there.

    Raises
    ------
    ValueError
        With one sentence on what is wrong: the name, the checkpoint, its labels, or a table.
    """
    folder = models / addition.name
    _check(addition, folder)
    articles = _Articles.read(addition.tables, log) if addition.tables else None
    with _work_folder(folder) as work:
        given, source = _fetch(addition, work)
        classifier = _open(addition, given, source, log)
        _choose(classifier, addition, articles, log)
        if addition.platt:
            classifier.calibration_ = Calibration(*addition.platt)
        measured = _calibrate(classifier, articles, log) if articles else None
        made = work / "model"
        classifier.save(made)
        checkpoint.check_answers(classifier, addition.source)
        if articles and measured:
            _write_evidence(made, classifier, articles, measured[1])
        (made / "README.md").write_text(_card(classifier, addition), encoding="utf-8")
        model_folder.pin_inside(made)
        made.rename(folder)
    return folder


def remove(name: str, models: Path) -> None:
    """Remove a model that was added.

    Raise `ValueError` if there is none of that name.
    """
    names = store.added(models)
    if name not in names:
        raise ValueError(f"{name!r} was not added here. Added: {', '.join(names) or 'none'}.")
    shutil.rmtree(models / name)


def _check(addition: Addition, folder: Path) -> None:
    store.check_new(addition.name, folder)
    if folder.exists():
        raise ValueError(f"{folder} is there and holds no model: choose another name, or remove it first.")
    if addition.cleaning not in (None, *CLEANINGS):
        raise ValueError(f"Unknown cleaning {addition.cleaning!r}. Known: {', '.join(CLEANINGS)}.")
    if addition.language not in LANGUAGES:
        raise ValueError(f"Unknown language {addition.language!r}. Known: {', '.join(LANGUAGES)}.")
    if addition.platt and addition.tables:
        raise ValueError("--calibration and --calibrate exclude each other: the table would fit another one.")


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Make a folder beside that of a model, on the same file system; gone afterwards."""
    work = folder.with_name(f"{folder.name}{model_folder.PARTIAL}")
    shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fetch(addition: Addition, work: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the checkpoint, and where it is from."""
    folder, today = Path(addition.source).expanduser(), date.today().isoformat()
    if folder.is_dir():
        if addition.revision:
            raise ValueError(f"{addition.source} is a folder, which has no revisions: leave --revision out.")
        return folder, {"kind": "folder", "from": addition.source, "license": _license(folder), "date": today}
    if folder.exists() or not _HUB_ID.fullmatch(addition.source):
        raise ValueError(f"{addition.source} is neither a folder nor a model id on the Hub, such as OWNER/NAME.")
    found = hub.download(addition.source, addition.revision, work / "source")
    facts = {"revision": found.revision, "license": found.license, "date": today}
    return work / "source", {"kind": "hub", "from": addition.source, **facts}


def _license(folder: Path) -> str | None:
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    head = text.split("\n---", 1)[0] if text.startswith("---") else ""
    found = re.search(r"^license:\s*[\"']?([\w.+-]+)", head, re.M)
    return found[1] if found else None


def _open(addition: Addition, folder: Path, source: dict[str, Any], log: Log) -> TransformerClassifier:
    from fakenews.classifiers.transformer import TransformerClassifier

    read = checkpoint.read_checkpoint(folder, addition.source)
    columns = checkpoint.fake_columns(read.labels, addition.fake)
    names = ", ".join(read.labels)
    if not columns and not (addition.tables and len(read.labels) == 2):
        advice = " once for each" if len(read.labels) > 2 else f", such as --fake {read.labels[0]}"
        by_table = ", or give --calibrate TABLE to find out" if len(read.labels) == 2 else ""
        raise ValueError(f"Which of the labels {names} is fake? Say it with --fake{advice}{by_table}.")
    if columns and not addition.fake:
        log(f"By their names, {_listed(read.labels, columns)} is fake, of {names}.")
    length = checkpoint.positions(read.model, read.tokenizer)
    overlap = min(OVERLAP, (length - 2) // 4)
    classifier = TransformerClassifier(
        addition.name, read.model, read.tokenizer, length, overlap,
        cleaning=CLEANINGS[addition.cleaning or "none"], fake_columns=columns or [0],
    )  # fmt: skip
    checkpoint.check_answers(classifier, addition.source)
    classifier.info_ = {
        "title": addition.title or addition.name,
        "source": {**source, "sha256": read.weights},
        "checkpoint_labels": list(read.labels),
        "calibrated": bool(addition.tables or addition.platt),
        "language": addition.language,
        "seed": SEED,
        "is_side_known": bool(columns),
    }
    return classifier


def _listed(labels: Sequence[str], columns: Sequence[int]) -> str:
    return " and ".join(labels[i] for i in columns)


@dataclass(frozen=True, slots=True)
class _Articles:
    """Labeled articles in two halves, which near duplicates do not straddle."""

    texts: list[str]
    labels: NDArray[np.int64]  # shape (n,)
    is_held_out: NDArray[np.bool_]  # shape (n,): those that are measured on; all others are calibrated on
    tables: tuple[str, ...]  # names of the files
    frame: pd.DataFrame  # the same articles, as a table with the corpus of each

    @classmethod
    def read(cls, paths: Sequence[Path], log: Log) -> _Articles:
        """Read tables; of more than `MOST` articles, a random part."""
        import pandas as pd
        from sklearn.model_selection import StratifiedGroupKFold

        from fakenews.data.duplicates import near_duplicate_groups
        from fakenews.data.table import joined_texts, read_labeled

        frames = []
        for path in paths:
            table = read_labeled(path)
            frames.append(table.frame.assign(corpus=path.stem))
            for line in table.notes():
                log(f"{path.name}: {line}")
        frame = pd.concat(frames, ignore_index=True)
        if len(frame) > MOST:
            log(f"{MOST:,} of {len(frame):,} articles are scored, drawn at random.")
            chosen = np.sort(np.random.default_rng(SEED).permutation(len(frame))[:MOST])
            frame = frame.iloc[chosen].reset_index(drop=True)
        texts, y = joined_texts(frame), frame["label"].to_numpy(dtype=np.int64)
        few = [name for label, name in enumerate(LABELS) if (y == label).sum() < LEAST]
        if few:
            raise ValueError(f"Too few articles that are {' and '.join(few)} to calibrate on: at least {LEAST} each.")
        groups = near_duplicate_groups(texts)
        halves = StratifiedGroupKFold(2, shuffle=True, random_state=SEED).split(np.zeros(len(y)), y, groups)
        is_held_out = np.zeros(len(y), dtype=bool)
        is_held_out[next(halves)[1]] = True
        if min(len(np.unique(y[part])) for part in (is_held_out, ~is_held_out)) < 2:
            raise ValueError("The articles are copies of a few: both halves need articles of both classes.")
        return cls(texts, y, is_held_out, tuple(path.name for path in paths), frame)

    def half(self, held_out: bool) -> tuple[list[str], NDArray[np.int64]]:
        """Return texts and labels of one half."""
        rows = np.flatnonzero(self.is_held_out == held_out)
        return [self.texts[i] for i in rows], self.labels[rows]


def _choose(classifier: TransformerClassifier, addition: Addition, articles: _Articles | None, log: Log) -> None:
    """Choose the cleaning, and which label is fake where nobody said it, on the half that is calibrated on."""
    is_side_known = classifier.info_.pop("is_side_known")
    if articles is not None:
        texts, labels = articles.half(held_out=False)
        tried = [CLEANINGS[addition.cleaning]] if addition.cleaning else [RAW, CLEANING]
        areas = {}
        for cleaning in tried:
            classifier.cleaning = cleaning
            areas[cleaning] = _area(labels, classifier.decision_function(texts))
        strength = {c: area if is_side_known else max(area, 1.0 - area) for c, area in areas.items()}
        classifier.cleaning = max(tried, key=lambda cleaning: strength[cleaning])
        if len(tried) > 1:
            of = {RAW: "the text as it is", CLEANING: "the neutral text"}
            figures = " and ".join(f"{strength[c]:.3f} on {of[c]}" for c in tried)
            log(f"ROC AUC is {figures}: it will read {of[classifier.cleaning]}.")
        area = areas[classifier.cleaning]
        _settle_side(classifier, area, labels, is_side_known, log)
    names = classifier.info_["checkpoint_labels"]
    classifier.info_["fake_labels"] = [names[i] for i in classifier.fake_columns]


def _area(labels: NDArray[np.int64], log_odds: NDArray[np.float64]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels == FAKE, log_odds))


def _settle_side(
    classifier: TransformerClassifier, area: float, labels: NDArray[np.int64], is_side_known: bool, log: Log
) -> None:
    names = classifier.info_["checkpoint_labels"]
    if is_side_known:
        if area < 0.5:
            label = _listed(names, classifier.fake_columns)
            log(f"Warning: with {label} as fake, ROC AUC is {area:.3f}, worse than chance: is it the other one?")
        return
    n_fake, n_real = int((labels == FAKE).sum()), int((labels != FAKE).sum())
    spread = float(np.sqrt((n_fake + n_real + 1) / (12.0 * n_fake * n_real)))  # of the area, where scores say nothing
    if abs(area - 0.5) < 2.0 * spread:
        raise ValueError(
            f"ROC AUC of {names[0]} is {area:.3f} on {len(labels)} articles, too close to chance to say which label is "
            f"fake: say it with --fake {names[0]} or --fake {names[1]}."
        )
    column = 0 if area > 0.5 else 1
    classifier.set_fake_columns([column])
    log(f"{names[column]} is fake: its ROC AUC is {max(area, 1.0 - area):.3f} on {len(labels)} articles.")


def _calibrate(classifier: TransformerClassifier, articles: _Articles, log: Log) -> tuple[TableResult, Scores]:
    """Calibrate on one half and measure on the other; with the scores of all."""
    classifier.round_weights()
    parts = []
    for start in range(0, len(articles.texts), CHUNK):
        with cleaning_once():
            parts.append(classifier.decision_function(articles.texts[start : start + CHUNK]))
        log_share = min(1.0, (start + CHUNK) / len(articles.texts))
        if log_share < 1.0 and start // CHUNK % 2:
            log(f"{log_share:.0%} of {len(articles.texts):,} articles are scored.")
    scores = Scores.out_of_domain(np.concatenate(parts))
    half = ~articles.is_held_out
    classifier.calibration_ = fit_calibration(Scores(*(part[half] for part in scores)), articles.labels[half])
    result = _measure(classifier, articles, scores)
    found = result.evaluation
    classifier.info_["measured"] = {
        "tables": list(articles.tables), "calibrated_on": int(half.sum()), "n": found.n, "accuracy": found.accuracy,
        "roc_auc": found.roc_auc, "ece": found.ece, "brier": found.brier, "verdicts": result.verdicts.given,
        "verdicts_right": result.verdicts.right,
    }  # fmt: skip
    log(_measured_sentence(classifier.info_["measured"]))
    return result, scores


def _measure(classifier: TransformerClassifier, articles: _Articles, scores: Scores) -> TableResult:
    """Measure the verdicts on the half that was held out."""
    from fakenews.classifiers.base import clean_text, reads_any_language
    from fakenews.language import is_english
    from fakenews.metrics.verdicts import table_result
    from fakenews.verdict import judge

    p_fake, any_language = classifier.calibrated(scores), reads_any_language(classifier)
    held_out = np.flatnonzero(articles.is_held_out)
    predictions = []
    for i in held_out:
        text = articles.texts[i]
        english, n_words = any_language or is_english(text), len(clean_text(text).words)
        predictions.append(
            judge(classifier.name, float(p_fake[i]), float(scores.log_odds[i]), n_words, english=english)
        )
    return table_result(predictions, articles.labels[held_out].tolist())


def _write_evidence(folder: Path, classifier: TransformerClassifier, articles: _Articles, scores: Scores) -> None:
    """Write evaluation.json and predictions.parquet: as "test" what is held out, as "validation" the other half."""
    import pandas as pd

    from fakenews.evidence.files import write_evidence
    from fakenews.evidence.predictions import latency_ms, prediction_rows

    source, p_fake = classifier.info_["source"], classifier.calibrated(scores)
    rows = []
    for split, held_out in (("test", True), ("validation", False)):
        for corpus in articles.frame["corpus"].unique():
            part = np.flatnonzero((articles.frame["corpus"] == corpus) & (articles.is_held_out == held_out))
            some = Scores(*(values[part] for values in scores))
            rows.append(prediction_rows(articles.frame.iloc[part], str(corpus), split, some, p_fake[part]))
    write_evidence(
        folder,
        pd.concat([part for part in rows if len(part)], ignore_index=True),
        model=classifier.name,
        seed=SEED,
        cleaning={"name": classifier.cleaning, "version": CLEANING_VERSION},
        training={"recipe": "Added, trained elsewhere", "base": _origin(source), "rows": "unknown"},
        size_mb=sum(f.stat().st_size for f in folder.glob("*.safetensors")) / 1e6,
        latency_ms=latency_ms(classifier, articles.texts[:LATENCY_ARTICLES]),
        calibration={
            "method": "Platt",
            **classifier.calibration_.to_dict(),
            "fitted_on": f"{articles.frame['corpus'].iloc[0]}/validation",
        },
    )


def _origin(source: dict[str, Any]) -> str:
    return str(source["from"] if source["kind"] == "hub" else Path(source["from"]).name)


def _measured_sentence(measured: dict[str, Any]) -> str:
    return (
        f"Calibrated on {measured['calibrated_on']} articles and measured on {measured['n']} others of "
        f"{', '.join(measured['tables'])}: accuracy {100 * measured['accuracy']:.0f}%, ROC AUC "
        f"{measured['roc_auc']:.3f}, {measured['verdicts']} verdicts, {measured['verdicts_right']} of them right."
    )


def _card(classifier: TransformerClassifier, addition: Addition) -> str:
    facts, source = classifier.info_, classifier.info_["source"]
    origin = _origin(source)
    revision = f" at {source['revision']}" if source.get("revision") else ""
    head = ["---", f"license: {source['license'] or 'unknown'}", "pipeline_tag: text-classification"]
    if source["kind"] == "hub":
        head.append(f"base_model: {origin}")
    measured = "It is not calibrated: its probability is a bare softmax, and no verdict is given."
    if facts["calibrated"]:
        known = facts.get("measured")
        measured = _measured_sentence(known) if known else "Its calibration was fitted elsewhere, not measured here."
    reads = "the text as it is" if classifier.cleaning == RAW else "the neutral text"
    sums = "\n".join(f"- `{name}`: `{digest}`" for name, digest in source["sha256"].items())
    return "\n".join([
        *head, "---", "", f"# {facts['title']}", "",
        f"A checkpoint of the type {classifier.model.config.model_type}, "
        f"added on {source['date']} from {origin}{revision}.",
        f"License: {source['license'] or 'unknown'}.", "",
        f"Of its labels {', '.join(facts['checkpoint_labels'])}, {' and '.join(facts['fake_labels'])} "
        f"{'is' if len(facts['fake_labels']) == 1 else 'are'} fake. It reads {reads}, in windows of "
        f"{classifier.max_length} word pieces. Its weights are stored in half precision.", "",
        measured, "", "SHA-256 of the weights that were added:", "", sums, "",
    ])  # fmt: skip
