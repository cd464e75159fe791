"""Place the held-out articles that the track record of `fakenews.similar` is read from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fakenews.classifiers.ood import unit
from fakenews.data.base import TextNotHere
from fakenews.data.demo import NAME as DEMO
from fakenews.data.registry import DATASETS, load
from fakenews.similar.neighbors import WIDTH, Neighbors, term_counts, words

if TYPE_CHECKING:
    import pandas as pd

N_TERMS = 20_000


def held_out_articles(measured: pd.DataFrame, folder: Path | None) -> pd.DataFrame:
    """Return the articles that models answered without training on them: corpus, id, title, text.

    Parameters
    ----------
    measured : DataFrame
        Predictions (corpus, split, id) of `protocols.SHIPPED`; validation rows, which chose the calibration, claims,
        posts and the articles of the demo do not count.
    folder : Path, optional
        Of corpora; those that are not there are passed over.
    """
    import pandas as pd

    articles = {name for name, spec in DATASETS.items() if spec.unit == "article" and name != DEMO}
    wanted = measured[measured["corpus"].isin(articles) & (measured["split"] != "validation")]
    parts = []
    for name, rows in wanted.groupby("corpus", sort=False):
        try:
            texts = load(name, folder)
        except TextNotHere:
            continue
        texts = texts[texts["id"].isin(set(rows["id"]))].drop_duplicates("id")
        parts.append(texts[["id", "title", "text"]].assign(corpus=name))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def fit_neighbors(
    texts: Sequence[str], ids: Sequence[str], corpora: Sequence[str], n_terms: int = N_TERMS, seed: int = 42
) -> Neighbors:
    """Place articles; `ids` are those of `table.article_id`. Two minutes for 9,000 articles, most of it cleaning.

    Raise `ValueError` if there are fewer than two articles, or their words too few for 64 directions.
    """
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    if len(texts) < 2:
        raise ValueError(f"Neighbors need at least two articles, got {len(texts)}.")
    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=2, max_df=0.5, max_features=n_terms)
    features = vectorizer.fit_transform(texts)
    if min(features.shape) < WIDTH:
        raise ValueError(
            f"{features.shape[0]} articles with {features.shape[1]} words are too few for {WIDTH} directions."
        )
    _, _, directions = randomized_svd(features, WIDTH, random_state=seed)
    weights = (directions * vectorizer.idf_).T.astype(np.float32)
    vectors = unit(np.asarray(features @ directions.T, dtype=np.float32))
    terms = vectorizer.get_feature_names_out().tolist()
    return Neighbors(term_counts(terms), weights, vectors, pd.DataFrame({"id": ids, "corpus": corpora}))
