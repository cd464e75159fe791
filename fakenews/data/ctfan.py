"""CT-FAN: whole web pages that fact-checkers rated, of the CheckThat! labs of 2021 and 2022."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.data.base import DatasetSpec, Removal

if TYPE_CHECKING:
    import pandas as pd


def _not_partially_false(frame: pd.DataFrame) -> pd.Series:
    return frame["subject"] != "partially false"


SPEC = DatasetSpec(
    name="ctfan",
    title="CT-FAN",
    description="Web pages on politics, health and science that fact-checkers rated; 81% are fake.",
    homepage="https://zenodo.org/records/6555293",
    license="Research use (unverified)",
    citation="Shahi, Struß, Mandl, Köhler, Wiegand, Siegel: CT-FAN: A Multilingual dataset for Fake News Detection, "
    "CheckThat! lab at CLEF 2021 and 2022, task 3.",
    label_meaning="false and partially false are fake, true is real; other is left out.",
    n_rows=666,
    removals=(Removal("partially-false", "Rated partly false: neither class fits.", keep=_not_partially_false),),
    sha256="85087b9b10d4ff19d3c5496794e005f5e91ac35fc99c5fa06e8c2dd963cdb897",
)
