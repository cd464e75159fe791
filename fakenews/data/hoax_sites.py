"""Hoax and satire sites: a fake class without a real one, from the sites that Horne 2017 drew on too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.data.base import DatasetSpec, Removal
from fakenews.data.horne2017 import FAMILY

if TYPE_CHECKING:
    import pandas as pd


def _not_satire(frame: pd.DataFrame) -> pd.Series:
    return ~frame["subject"].str.startswith("satire/")


SPEC = DatasetSpec(
    name="hoax_sites_fake",
    title="Hoax sites",
    description="Hoaxes of realnewsrightnow.com and abcnews.com.co, satire of The Onion; there is no real class, so "
    "it measures recall.",
    homepage="https://github.com/abhinavchdhry/Fake-News-Corpus",
    license="No license file in the snapshot.",
    citation="Choudhry: Fake News Corpus, GitHub.",
    label_meaning="By site: all of them are fake, The Onion too, which was not written to deceive.",
    n_rows=565,
    removals=(Removal("satire", "Satire is not written to deceive.", keep=_not_satire),),
    sha256="49f7a73b87e9c1473ba848e06c2d4798a97e5fdf04669ac11ed68bdb71bfa8a2",
    family=FAMILY,
)
