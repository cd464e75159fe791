"""AllSides: articles of mainstream US outlets, a real class without a fake one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.data.base import DatasetSpec, Removal

if TYPE_CHECKING:
    import pandas as pd


TRAINED_ON = 1100  # articles: more of one class would make mainstream outlets the shortcut


def _fewer(frame: pd.DataFrame) -> pd.Series:
    return frame["id"].rank() <= TRAINED_ON


SPEC = DatasetSpec(
    name="allsides_real",
    title="AllSides, mainstream outlets",
    description="US politics of 2012 to 2020 from 63 mainstream outlets of the left, center and right, at most 70 "
    "articles each; there is no fake class, so it measures false alarms.",
    homepage="https://github.com/ramybaly/Article-Bias-Prediction",
    license="Apache 2.0 on the repository.",
    citation="Baly, Da San Martino, Glass, Nakov: We Can Detect Your Bias: Predicting the Political Ideology of News "
    "Articles, EMNLP 2020.",
    label_meaning="By outlet, not by fact: the outlets were chosen as mainstream, and all they wrote is real.",
    n_rows=2117,
    removals=(Removal("many", "Half of the articles are enough to learn from a corpus of one class.", keep=_fewer),),
    for_training=("many",),
    sha256="ed91199bec59f64faea09eb4eb8fd592ff6b147572e348b352e001abd84dac04",
)
