"""Articles of a corpus for a new set, by their ids or as a sample, as API and commands ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakenews.data import registry
from fakenews.engine.errors import InputError
from fakenews.review_sets.sampling import SEED, WAYS, choose, new_items
from fakenews.review_sets.values import MAX_ARTICLES, NewItem

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.engine import Engine

SAMPLES = tuple(way for way in WAYS if way != "selected")
N = 20  # articles of a sample, if nothing else is asked


@dataclass(frozen=True, slots=True)
class Sample:
    """Which articles of a corpus are drawn."""

    by: str  # one of `SAMPLES`
    n: int = N
    seed: int = SEED
    model: str = ""  # whose errors, or cells of the confusion matrix
    split: str = ""  # of the model's stored answers, such as "test"; all if empty


def pick(
    engine: Engine, corpus: str, wanted: Sequence[str] | Sample, keep_text: bool | None
) -> tuple[tuple[NewItem, ...], str]:
    """Return articles of a corpus as they go into a set, and a sentence where they are not all that was asked for.

    Raise `InputError` if one of the ids is unknown, or as `choose` and `new_items` do; `TextNotHere` or `ValueError`
    if there is no such corpus.
    """
    registry.find(corpus, engine.settings.data)
    frame = engine.evidence.corpus(corpus)
    if isinstance(wanted, Sample):
        chosen = choose(_answered(engine, frame, corpus, wanted), wanted.by, wanted.n, wanted.seed)
    else:
        known = set(frame["id"].astype(str))
        for id_ in wanted:
            if id_ not in known:
                raise InputError(f"{registry.title_of(corpus)} has no article with the id {id_[:40]!r}.")
        if len(set(wanted)) > MAX_ARTICLES:
            raise InputError(f"A set holds up to {MAX_ARTICLES} articles; {len(set(wanted)):,} are picked.")
        chosen = choose(frame, "selected", ids=wanted)
    items, left_out = new_items(engine, chosen.frame, corpus, keep_text)
    return items, " ".join(filter(None, (chosen.sentence, left_out)))


def _answered(engine: Engine, frame: pd.DataFrame, corpus: str, sample: Sample) -> pd.DataFrame:
    """Return the articles that a model's stored answers are about, with these answers; all where no model is named."""
    if not sample.model:
        if sample.split:
            raise InputError("Name a model: the split is that of its stored answers.")
        return frame
    if sample.model not in engine.pool.models or engine.evidence.evaluation(sample.model) is None:
        raise InputError(f"There are no stored answers of a model {sample.model[:40]!r} to the articles of a corpus.")
    answers = engine.evidence.predictions(engine.pool.name(sample.model))
    answers = answers[answers["corpus"] == corpus]
    if sample.split:
        answers = answers[answers["split"] == sample.split]
    if not len(answers):
        raise InputError(f"There are no stored answers of {sample.model!r} to this corpus, or this split of it.")
    answers = answers.drop_duplicates("id")[["id", "p_fake"]]
    return frame[frame["id"].isin(answers["id"])].drop(columns=["p_fake"], errors="ignore").merge(answers, on="id")
