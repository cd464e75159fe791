"""Golbeck et al. 2018: fake news and satire, with no real class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.data.base import DatasetSpec, Removal

if TYPE_CHECKING:
    import pandas as pd


def _not_satire(frame: pd.DataFrame) -> pd.Series:
    return frame["subject"] != "satire"


SPEC = DatasetSpec(
    name="golbeck_fake_satire",
    title="Fake News vs Satire",
    description="US political fake news and satire of 2016 and 2017; there is no real class, so it measures recall.",
    homepage="https://github.com/jgolbeck/fakenews",
    license="No license file; its README asks for citation.",
    citation="Golbeck et al.: Fake News vs Satire: A Dataset and Analysis, WebSci 2018.",
    label_meaning="Both its classes, fake and satire, are fake here.",
    n_rows=485,
    removals=(Removal("satire", "Satire is not written to deceive.", keep=_not_satire),),
    sha256="0e4ceaa32feb6dedfe5cbaa829b1b8a1a761560a38c4f1d548c0e1b6f5237a36",
)
