"""BuzzFeed-Webis 2016: nine publishers before the US election, every article fact-checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.data.base import DatasetSpec, Removal

if TYPE_CHECKING:
    import pandas as pd


def _not_mixture(frame: pd.DataFrame) -> pd.Series:
    return ~frame["subject"].str.endswith("mixture of true and false")


SPEC = DatasetSpec(
    name="webis2016",
    title="BuzzFeed-Webis 2016",
    description="Mainstream and hyperpartisan articles of September 2016; nearly all mainstream ones are true, so "
    "publisher and label go together.",
    homepage="https://zenodo.org/records/1239675",
    license="CC BY 4.0 (unverified)",
    citation="Potthast, Kiesel, Reinartz, Bevendorff, Stein: A Stylometric Inquiry into Hyperpartisan and Fake News, "
    "ACL 2018.",
    label_meaning="mostly true is real; mostly false, and mixture of true and false, are fake; no factual content "
    "is left out.",
    n_rows=1496,
    removals=(
        Removal("isot-overlap", "These articles are in ISOT too, which the models train on.", overlap_with="isot"),
        Removal("mixture", "Rated half true, half false: neither class fits.", keep=_not_mixture),
    ),
    sha256="c74101b281d2acd38d14cdfb0061884e16a4d1f369cf941a27e488098f6663f7",
)
