"""How a model can be measured: which rows it learns from, which text it reads, which rows it answers.

One number for one model means little: the same classifier has 99% on raw text with the file's typography in it and
60% on articles from other publishers. Each protocol is a value, named in every file that holds its results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fakenews.data.demo import NAME as DEMO

TIME_CUT = "2017-01-01"


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to measure."""

    name: str  # key in `PROTOCOLS`, in evaluation.json and in the column of predictions.parquet
    title: str  # title, description: for people; the description says what the figures do and do not show
    description: str
    # How the training corpus is parted; "others" answers other corpora instead, and "left-out" those of the training by
    # models that did without them
    rows: Literal["grouped", "random", "time", "others", "left-out"] = "grouped"
    text: Literal["article", "title"] = "article"  # what is read of a row
    cleaning: Literal["neutral", "raw"] = "neutral"  # what is done to it before
    # Whether encoders learn from the first window of a text and read no further, as most notebooks have them do
    truncation: bool = False
    # Whether the model has to be fitted again for it, on other rows or other text than the shipped one
    own_training: bool = False


_SPECS = (
    Protocol(
        "grouped",
        "Unseen articles",
        "Held-out articles of the training corpus; near duplicates never straddle a split. The publishers were seen.",
    ),
    Protocol(
        "left-out",
        "Corpora left out",
        "Each corpus but the first kept out of training in turn, with what it shares with the others, then answered "
        "whole: what to expect on publishers that were never seen. Calibrated on the other corpora left out.",
        rows="left-out",
        own_training=True,
    ),
    Protocol(
        "external",
        "Other corpora",
        "Every corpus at hand with both classes that is not trained on, its overlap with ISOT removed first.",
        rows="others",
    ),
    Protocol(
        "other",
        "No evidence of transfer",
        "Corpora of one class, where only recall can be measured, and the articles written for the demo.",
        rows="others",
    ),
    Protocol(
        "one-corpus",
        "ISOT alone",
        "Trained on the first corpus alone and asked about its unseen articles: what several corpora cost in-domain.",
        own_training=True,
    ),
    Protocol(
        "title-only",
        "Titles alone",
        "The grouped split, but only titles are read: how much of the verdict the headline carries.",
        text="title",
        own_training=True,
    ),
    Protocol(
        "time",
        "Later articles",
        f"Trained on articles before {TIME_CUT}, asked about those from that day on.",
        rows="time",
        own_training=True,
    ),
    Protocol(
        "seed",
        "As in the notebooks",
        "Raw text, random split, near duplicates left where they fall; encoders read the first 512 word pieces: what "
        "is usually published, for comparison only.",
        rows="random",
        cleaning="raw",
        truncation=True,
        own_training=True,
    ),
)

PROTOCOLS: dict[str, Protocol] = {p.name: p for p in _SPECS}

LEFT_OUT = "left-out"

# What the model as it is says of whole articles; together these are what pages and cards show first.
SHIPPED = ("grouped", "external", "other")


def get(name: str) -> Protocol:
    """Return the protocol of that name.

    Raise `ValueError` if there is none; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise ValueError(f"Unknown protocol {name!r}. Known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def of_corpus(corpus: str, split: str, both_classes: bool) -> str:
    """Return which of `SHIPPED` a part of a corpus belongs to; "all" is a corpus that was not trained on."""
    if split != "all":
        return "grouped"
    return "external" if both_classes and corpus != DEMO else "other"
