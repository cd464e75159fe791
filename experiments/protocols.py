"""Measuring a trained model under protocols, those included that need it to be fitted again.

`seed`, `time` and `title-only` are about training as much as about answering: a recipe that is fitted in minutes is
fitted again on their rows and their text. A transformer would take hours, so it answers what it can as it is, or from
a folder that `train_under` left, which can be taken up where it was stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import recipes
from experiments.ensemble import member_answers
from experiments.evidence import update_evidence
from experiments.left_out import (
    Answer,
    by_refitting,
    calibrated_on_each_other,
    home_rows,
    left_out_rows,
    measurable,
    names_of,
    ridge_for,
    set_calibration,
)
from experiments.parts import parts
from fakenews.classifiers import model_folder, store
from fakenews.classifiers.base import Scores, TextClassifier
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.mix import CORPUS, mix, with_split
from fakenews.data.table import joined_texts, read_table
from fakenews.evidence.files import ARTICLE, read_evaluation, read_predictions
from fakenews.evidence.predictions import latency_ms, predict_frame, predict_other_corpora, scores_of
from fakenews.evidence.protocols import LEFT_OUT, PROTOCOLS, SHIPPED, Protocol, get
from fakenews.evidence.results import ModelEvidence
from fakenews.metrics.flips import FlipRates
from fakenews.reporting.card import write_model_card
from fakenews.training.job import Job, Log, Unseen
from fakenews.training.run import (
    LATENCY_ARTICLES,
    LEFT_OUT_CORPORA,
    calibrations,
    check,
    device_name,
    facts_of,
    measured_flips,
    names_in,
    read_tables,
)

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.training.job import Parts
    from fakenews.training.settings import Recipe

logger = logging.getLogger(__name__)

UNDER = "trained_under"  # of a model that was trained for one protocol: which, and how
SEED = 42  # of every split
TRAINABLE = tuple(p.name for p in PROTOCOLS.values() if p.own_training and p.rows not in ("others", "left-out"))


@dataclass(frozen=True, slots=True)
class Measured:
    """What measuring one protocol gave: rows of predictions, facts of its own training, flip rates."""

    rows: pd.DataFrame
    training: dict[str, Any] | None = None
    formatting: FlipRates | None = None


def measure_protocols(
    stored: model_folder.StoredModel,
    names: Sequence[str] | None,
    table: Path,
    corpora: Path | None,
    weights: Path | None = None,
    device: str = "auto",
    log: Log = logger.info,
    more: Sequence[Path] = (),
) -> ModelEvidence:
    """Measure a model under protocols and write its evaluation.json, predictions.parquet and card anew.

    What was measured under other protocols before stays. TF-IDF takes about a quarter of an hour for all of them on
    one CPU core, most of it cleaning texts.

    Parameters
    ----------
    stored : StoredModel
        Its folder has an `evaluation.json` already: training writes one.
    names : sequence of str, optional
        Keys of `PROTOCOLS`; if left out, all that can be measured.
    table : Path
        What the model was trained on, with the columns split and, for `time`, group; both are computed if missing. Of
        several corpora the first: what is stored of the others under "grouped" stays, unless all of them are given.
    corpora : Path, optional
        Folder of other corpora.
    weights : Path, optional
        Folder of `train_under`, for the one protocol in `names`.
    device : str
        For loading the model.
    more : sequence of Path
        Tables of the further corpora it was trained on, or of any, for "left-out": of a recipe that is fitted in
        minutes, each is left out in turn; a model that was trained on `table` alone answers them as it is. The
        calibration that these answers and unseen articles of `table` give is written into the model's settings.

    Raises
    ------
    ValueError
        If a protocol is unknown, or named and not measurable without weights of its own, or the tables are not those
        that the model was trained on.
    """
    import pandas as pd

    # Corpora left out come first, as they calibrate what is asked after them.
    wanted = sorted((get(name) for name in names or PROTOCOLS), key=lambda p: p.rows != "left-out")
    if weights is not None and (len(wanted) != 1 or wanted[0].name not in TRAINABLE):
        raise ValueError(f"--weights goes with exactly one protocol that has its own training: {', '.join(TRAINABLE)}.")
    classifier = store.load(stored, device)
    if weights is not None and isinstance(classifier, EnsembleClassifier):
        raise ValueError(
            f"--weights is for models that are trained: {stored.name} asks its members as they are measured."
        )
    trained_on, given = tuple(names_of(classifier)), tuple(path.stem for path in (table, *more))
    if any(p.rows != "others" for p in wanted):
        check_tables(stored.name, trained_on, given)
    frame = with_groups(read_table(table), any(p.rows == "time" for p in wanted), log)
    recipe = recipes.get(classifier.info_["recipe"])
    seed = int(classifier.info_.get("seed", SEED))

    def own(protocol: Protocol, found: dict[str, pd.DataFrame]) -> tuple[TextClassifier, dict[str, Any]] | None:
        started = time.perf_counter()
        if weights is not None:
            fitted = store.load(store.find(str(weights), weights.parent), device)
            trained = fitted.info_.get(UNDER, {})
            if trained.get("protocol") != protocol.name:
                raise ValueError(
                    f"{weights} was not trained under {protocol.name!r}: "
                    f'run "python -m experiments train … --protocol {protocol.name} --out {weights}".'
                )
            facts: dict[str, Any] = {k: v for k, v in trained.items() if k != "protocol"}
        else:
            again = refit(recipe, found, protocol.cleaning)
            if again is None:
                return None
            fitted = again
            facts = {
                "recipe": recipe.title,
                "minutes": round((time.perf_counter() - started) / 60, 2),
                "device": device_name(),
            }
        rows = {name: len(part) for name, part in found.items()}
        return fitted, {
            "cleaning": protocol.cleaning,
            "text": protocol.text,
            "rows": rows,
            **facts,
            "calibration": calibrations(fitted),
        }

    def report(what: str, share: float) -> None:
        if share >= 1.0:
            log(f"measured {what}")

    def left_out() -> Measured | None:
        if isinstance(classifier, EnsembleClassifier):
            return calibrated_again(classifier, stored, table.stem)
        tables = read_tables((table, *more), log)
        if not measurable(tables):
            return None
        answer = as_it_is(classifier)
        facts: dict[str, Any] = {}
        if names_of(classifier) != (table.stem,):
            if not recipe.refits:
                return None
            answer = by_refitting(recipe, Job(recipe.name, table, Path(), more=tuple(more)), log)
            facts = {"recipe": recipe.title, "device": device_name()}
        validation = frame[frame["split"] == "validation"].reset_index(drop=True)
        home = home_rows(classifier, validation, table.stem)
        rows = left_out_rows(tables, answer, home, log, ridge_for(classifier))
        set_calibration(classifier, rows, home)
        return Measured(rows, {**facts, "left out in turn": names_in(rows)})

    def left_out_so_far() -> pd.DataFrame:
        return results[LEFT_OUT].rows if LEFT_OUT in results else read_predictions(stored.folder, [LEFT_OUT])

    def measure(protocol: Protocol) -> Measured | None:
        if protocol.rows == "left-out":
            return left_out()
        if protocol.rows == "others":
            rows = predict_other_corpora(classifier, corpora, names_of(classifier), report, (protocol.name,))
            return Measured(as_left_out(rows, left_out_so_far()) if len(rows) else rows)
        whole = frame.assign(corpus=table.stem)
        if protocol.name == "grouped" and more and trained_on in ((), given):
            whole = mix(read_tables((table, *more), log))
        found = parts(protocol, whole, seed)
        scorer, training = classifier, None
        if protocol.own_training and isinstance(classifier, EnsembleClassifier):
            return weighed_again(classifier, stored, protocol, found)
        if protocol.own_training:
            fitted = own(protocol, found)
            if fitted is not None:
                scorer, training = fitted
            elif protocol.text != "title":
                return None
        answered = [
            predict_frame(scorer, rows, str(corpus), name, report, protocol.name)
            for name in ("test", "validation")
            for corpus, rows in found[name].groupby(CORPUS, sort=False)
        ]
        if protocol.name == "grouped":
            before = read_predictions(stored.folder, [protocol.name])
            before = before[before["corpus"].isin(set(trained_on) - set(given))]  # not answered again
            answered.append(before.assign(p_fake=classifier.calibrated(scores_of(before))))
        rates = None
        if protocol.text == "article" and protocol.rows != "time":
            rates = measured_flips(scorer, found["test"], table.stem, seed)
            log(f"measured formatting under {protocol.name}")
        return Measured(pd.concat([rows for rows in answered if len(rows)], ignore_index=True), training, rates)

    results: dict[str, Measured] = {}
    for protocol in wanted:
        log(f"{protocol.name}: {protocol.title.lower()}")
        result = measure(protocol)
        if result is None and names:
            if protocol.rows == "left-out":
                raise ValueError(
                    f"{stored.name} has nothing to leave out here: give --data for every corpus, the first one first"
                    + ("." if recipe.refits else ", when it is trained.")
                )
            if isinstance(classifier, EnsembleClassifier):
                raise ValueError(
                    f"{stored.name} asks its members, not all of which were measured under {protocol.name!r}: "
                    f"measure {', '.join(classifier.members)} under it first."
                )
            raise ValueError(
                f"{stored.name} cannot be fitted again in passing, as {protocol.name!r} needs: train it under that "
                "protocol and give its folder with --weights."
            )
        if result is None:
            asks = isinstance(classifier, EnsembleClassifier)
            why = "not all of its members were measured under it" if asks else "it would have to be trained for it"
            log(f"{protocol.name}: left out, {why}")
        elif not len(result.rows):
            log(f"{protocol.name}: left out, no corpus for it is here")
        else:
            results[protocol.name] = result
    if not results:
        raise ValueError("Nothing was measured: FAKENEWS_DATA names no folder with corpora for these protocols.")
    facts: dict[str, Any] = {}
    if set(results) & set(SHIPPED):
        articles = joined_texts(frame[frame["split"] == "test"])[:LATENCY_ARTICLES]
        facts["latency_ms"] = latency_ms(classifier, articles)
    if LEFT_OUT in results:
        before = read_evaluation(stored.folder).calibration
        kept = {key: before[key] for key in ("method", "fitted_on") if key in before}
        corpora_of = {LEFT_OUT_CORPORA: names_in(results[LEFT_OUT].rows)}
        facts["calibration"] = {**kept, **calibrations(classifier), **corpora_of}
        again = answered_again(classifier, stored, results[LEFT_OUT].rows)
        if "grouped" in again and "grouped" not in results and again["grouped"].formatting is not None:
            test = frame[frame["split"] == "test"].reset_index(drop=True)
            again["grouped"] = replace(again["grouped"], formatting=measured_flips(classifier, test, table.stem, seed))
        results = {**again, **results}
    evidence = update_evidence(
        stored.folder,
        pd.concat([r.rows for r in results.values()], ignore_index=True),
        {name: r.training for name, r in results.items() if r.training is not None},
        {name: r.formatting for name, r in results.items() if r.formatting is not None},
        **facts,
    )
    if LEFT_OUT in results:
        model_folder.change_settings(stored.folder, calibration=calibrations(classifier))
    write_model_card(stored.folder, recipe.card)
    return evidence


def check_tables(model: str, trained_on: tuple[str, ...], passed: tuple[str, ...]) -> None:
    """Refuse tables, by their names, that a model was not trained on.

    Those that it was trained on will do, all of them in their order or the first alone, whose answers stand beside what
    is stored of the others; further ones will do after the only one that it was trained on.

    Raises
    ------
    ValueError
    """
    if not trained_on:
        return
    if passed[0] == trained_on[0] and (1 in (len(passed), len(trained_on)) or passed == trained_on):
        return
    alone = f", or for {trained_on[0]} alone" if len(trained_on) > 1 else ""
    which = "each, in this order" if alone else "it"
    raise ValueError(
        f"{model} was trained on {', '.join(trained_on)}: give --data for {which}{alone}, got {', '.join(passed)}."
    )


def weighed_again(
    classifier: EnsembleClassifier,
    stored: model_folder.StoredModel,
    protocol: Protocol,
    by_name: Mapping[str, pd.DataFrame],
) -> Measured | None:
    """Return an ensemble of members that were trained for a protocol, by what they answered under it.

    Weights and calibration come from the validation part; its own rows are answered by weights that had not seen them.
    None where a member was not measured under the protocol.
    """
    beside = [store.find(name, stored.folder.parent) for name in classifier.members]
    answers = member_answers(beside, [protocol.name], classifier.with_domain)
    if answers is None:
        return None
    started = time.perf_counter()
    ids = {id_ for rows in by_name.values() for id_ in rows["id"]}
    answers = answers[answers["id"].isin(ids)].reset_index(drop=True)
    log_odds = answers[list(classifier.members)].to_numpy(dtype=np.float64)
    in_domain = answers["in_domain"].to_numpy(dtype=np.float64)
    held = (answers["split"] == "validation").to_numpy()
    again = EnsembleClassifier(members=classifier.members, n_folds=classifier.n_folds, seed=classifier.seed)
    combined = np.zeros(len(answers))
    combined[held] = again.fit_held_out(log_odds[held], in_domain[held], answers.loc[held, "label"].tolist())
    combined[~held] = again.combine(log_odds[~held], in_domain[~held])
    rows = answers[[*ARTICLE, "in_domain"]].assign(margin=combined)
    rows = rows.assign(p_fake=again.calibrated(scores_of(rows)))
    training = {
        "cleaning": protocol.cleaning,
        "text": protocol.text,
        "rows": {name: len(part) for name, part in by_name.items()},
        "recipe": recipes.get(classifier.info_["recipe"]).title,
        "minutes": round((time.perf_counter() - started) / 60, 2),
        "device": device_name(),
        "calibration": calibrations(again),
    }
    return Measured(rows, training)


def calibrated_again(classifier: EnsembleClassifier, stored: model_folder.StoredModel, home: str) -> Measured | None:
    """Return an ensemble's answers to corpora left out, calibrated with what its members are today.

    None where it was not weighed by such corpora, or a member was not measured on them.
    """
    beside = [store.find(name, stored.folder.parent) for name in classifier.members]
    answers = member_answers(beside, [LEFT_OUT], classifier.with_domain)
    own = read_predictions(stored.folder, ["grouped", LEFT_OUT])
    left_out = own[own["protocol"] == LEFT_OUT]
    if answers is None or not len(left_out):
        return None
    left_out = left_out.drop(columns="in_domain").merge(answers[[*ARTICLE, "in_domain"]], on=ARTICLE)
    unseen = Unseen(left_out, own[(own["corpus"] == home) & (own["split"] == "validation")])
    set_calibration(classifier, *unseen)
    facts = dict(read_evaluation(stored.folder).protocols[LEFT_OUT].training)
    return Measured(calibrated_on_each_other(*unseen), facts)


def answered_again(
    classifier: TextClassifier, stored: model_folder.StoredModel, left_out: pd.DataFrame
) -> dict[str, Measured]:
    """Return what the model as it is was measured on, by protocol, with the calibration of today."""
    answers = {}
    for name in SHIPPED:
        rows = read_predictions(stored.folder, [name])
        if not len(rows):
            continue
        rows = rows.assign(p_fake=classifier.calibrated(scores_of(rows)))
        formatting = read_evaluation(stored.folder).protocols[name].formatting
        others = get(name).rows == "others"
        answers[name] = Measured(as_left_out(rows, left_out) if others else rows, formatting=formatting)
    return answers


def train_under(name: str, job: Job, log: Log = logger.info, recipe: Recipe | None = None) -> TextClassifier:
    """Train on the rows and the text of a protocol, and save into `job.out` what `measure_protocols` takes as weights.

    Raises
    ------
    ValueError
        If there is no such protocol, it has no training of its own, or the job will not do (`run.check`).
    """
    protocol, recipe = get(name), recipe or recipes.get(job.recipe)
    if name not in TRAINABLE:
        raise ValueError(f"The protocol {name!r} has no training of its own.")
    if job.more:
        raise ValueError(f"The protocol {name!r} is about one corpus, got {len(job.more) + 1} with --data.")
    if job.leave_out:
        raise ValueError(
            f"The protocol {name!r} is about one corpus, there is none to leave out: got {job.leave_out!r}."
        )
    check(job, recipe)
    frame = with_groups(read_table(job.data, job.encoding, job.fake), protocol.rows == "time", log).assign(
        **{CORPUS: job.data.stem}
    )
    by_name = parts(protocol, frame, SEED)
    log(f"{protocol.title}: " + ", ".join(f"{len(rows):,} {part}" for part, rows in by_name.items()))
    started = time.perf_counter()
    fitted = recipe.fit(recipe, replace(job, cleaning=protocol.cleaning, truncation=protocol.truncation), by_name, log)
    minutes = (time.perf_counter() - started) / 60 if fitted.minutes is None else fitted.minutes
    under = {"protocol": name, "recipe": recipe.title, **fitted.card_facts, "minutes": round(minutes, 1)}
    fitted.classifier.info_ = facts_of(recipe, job, by_name, fitted) | {UNDER: {**under, "device": device_name()}}
    with model_folder.replacing(job.out) as folder:
        fitted.classifier.save(folder)
    return fitted.classifier


def with_groups(frame: pd.DataFrame, needed: bool, log: Log = logger.info) -> pd.DataFrame:
    """Return the table with its split and, if `needed`, its groups of near duplicates, computed where missing."""
    frame = with_split(frame)
    if not needed or "group" in frame:
        return frame
    log("grouping near duplicates")
    return frame.assign(group=near_duplicate_groups(frame["text"].tolist()))


def as_left_out(rows: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the p_fake of those in `left_out`: calibrated without the corpus they are from."""
    keys = ["corpus", "id"]
    known = rows[keys].merge(left_out[[*keys, "p_fake"]].drop_duplicates(keys), on=keys, how="left")["p_fake"]
    return rows.assign(p_fake=np.where(known.isna(), rows["p_fake"], known))


def as_it_is(classifier: TextClassifier) -> Answer:
    """Return the answers of a model that was trained on the first corpus alone: it never saw any of the others."""

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> Scores:
        return scores_of(predict_frame(classifier, out, corpus, "all", protocol=LEFT_OUT))

    return answer


def refit(recipe: Recipe, parts: Parts, cleaning: str) -> TextClassifier | None:
    """Fit and calibrate the recipe on other rows or otherwise cleaned text; None where that would take hours."""
    if not recipe.refits:
        return None
    job = Job(recipe.name, Path(), Path(), cleaning=cleaning)
    return recipe.fit(recipe, job, parts, logger.info).classifier
