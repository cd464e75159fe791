"""GossipCop, the larger half of FakeNewsNet: celebrity news, nearly whole, and the subset that was here before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.data.base import DatasetSpec, Removal
from fakenews.schema import FAKE

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "gossipcop"
MAX_PER_PUBLISHER = 60  # rows of each class
_HOMEPAGE = "https://github.com/KaiDMML/FakeNewsNet"
_CITATION = (
    "Shu, Mahudeswaran, Wang, Lee, Liu: FakeNewsNet: A Data Repository with News Content, Social Context and "
    "Spatialtemporal Information for Studying Fake News on Social Media, arXiv:1809.01286."
)


def matched(frame: pd.DataFrame) -> pd.Series:
    """Keep as many fake as real rows of every publisher, at most 60 of each: those with the lowest ids.

    The per-publisher counts are those of the published list of matched ids (1,216 + 1,216 rows, 212 publishers);
    that list drew its rows at random.
    """
    fake = (frame["label"] == FAKE).groupby(frame["subject"])
    smaller_class = fake.sum().combine(fake.size() - fake.sum(), min).clip(upper=MAX_PER_PUBLISHER)
    rank = frame.sort_values("id").groupby(["subject", "label"]).cumcount()
    return rank.reindex(frame.index) < frame["subject"].map(smaller_class)


SPEC = DatasetSpec(
    name="gossipcop",
    title="GossipCop",
    description="Celebrity news, mostly of 2017 and 2018; labels are noisy: the rumor was rated, not the page.",
    homepage=_HOMEPAGE,
    license="WTFPL on the repository the pages came from; none in the two that fill its gaps.",
    citation=_CITATION,
    label_meaning="GossipCop's rating of the story: below 5 of 10 is fake. The real ones are stories of E! Online, "
    "looked up by their titles.",
    n_rows=8943,
    removals=(
        Removal(
            "unmatched",
            "As many fake as real rows remain of each publisher, so the publisher does not tell the class.",
            keep=matched,
        ),
    ),
    for_training=("unmatched",),
    sha256="abcb7c4a58043cab39ae19f1e207dea76f27b7f003eb268c670845034b759a98",
    family=FAMILY,
)

SUBSET = DatasetSpec(
    name="gossipcop_subset",
    title="GossipCop, subset",
    description="Celebrity news, lower-cased; labels are noisy, because the rumour was rated and not the page.",
    homepage=_HOMEPAGE,
    license="No license file in the snapshot.",
    citation=_CITATION,
    label_meaning="GossipCop's rating of the rumour; its source writes 1 for fake, flipped here.",
    n_rows=566,
    sha256="048e10148b4796cfba1efd5795a5ebee45b32eea818fe2c3fbdd225990bc2e8d",
    family=FAMILY,
)
