"""What was measured on which corpus: predictions of a model, and the texts they are about where these are here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fakenews.data import registry as corpora
from fakenews.data.base import TextNotHere
from fakenews.evaluate.protocols import PROTOCOLS
from fakenews.evaluate.slices import slice_names, slice_of
from fakenews.services import Services

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.evaluate.metrics import Evaluation

DEMO = "demo"
ERRORS = "errors"
AS_SHIPPED, WHOLE = "shipped", ""


class View(NamedTuple):
    """What is looked at.

    Attributes
    ----------
    corpus, split, model : str
    cell : str
        Key of `CELLS`.
    curve : str
        Of `CURVES`.
    protocol : str
        One that had weights of its own, or `AS_SHIPPED`.
    by, part : str
        Key of `SLICES` and the slice, or `WHOLE`.
    """

    corpus: str
    split: str
    model: str
    cell: str = ERRORS
    curve: str = "calibration"
    protocol: str = AS_SHIPPED
    by: str = WHOLE
    part: str = WHOLE


@dataclass(frozen=True, slots=True)
class Scored:
    """Predictions of one model on one part of one corpus, with texts where they are here.

    Attributes
    ----------
    frame : DataFrame
        id, label, p_fake; title, text, date, subject where `here`.
    here : bool
        Whether the texts are on this machine.
    hint : str
        How to get them otherwise.
    """

    frame: pd.DataFrame
    here: bool
    hint: str


class Measured:
    """What the models here were asked, and what else they can be asked."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.models = tuple(m for m in services.models if services.evidence(m) is not None)
        self._texts: dict[str, pd.DataFrame] = {}
        self._live: dict[tuple[str, str], pd.DataFrame] = {}

    def protocols(self) -> list[tuple[str, str]]:
        """Choices: the models as they are, then protocols for which some model was trained again."""
        found = [e for m in self.models if (e := self.services.evidence(m)) is not None]
        own = [n for n, p in PROTOCOLS.items() if p.own_training and any(n in e.protocols for e in found)]
        return [("The models as shipped", AS_SHIPPED), *((PROTOCOLS[n].title, n) for n in own)]

    def corpora(self, protocol: str = AS_SHIPPED) -> list[tuple[str, str]]:
        """Choices: what the models were measured on, the demo last of these, then other tables in the data folder."""
        measured = set(self._measured(protocol)["corpus"])
        names = [n for n in corpora.DATASETS if n in measured and n != DEMO]
        names += [n for n in sorted(measured) if n not in corpora.DATASETS] + [DEMO] * (DEMO in measured)
        choices = [(corpora.DATASETS[n].title if n in corpora.DATASETS else n, n) for n in names]
        if protocol != AS_SHIPPED:
            return choices
        folder = self.services.settings.data
        found = sorted(folder.glob("*.parquet")) if folder is not None and folder.is_dir() else []
        own = [p.stem for p in found if p.stem not in {*corpora.DATASETS, *measured} and _is_labelled(p)]
        return choices + [(f"{n} (your file, scored when opened)", n) for n in own]

    def splits(self, corpus: str, protocol: str = AS_SHIPPED) -> list[str]:
        """Parts of a corpus that were measured; «all» for a file scored live."""
        rows = self._measured(protocol)
        found = list(dict.fromkeys(rows.loc[rows["corpus"] == corpus, "split"]))
        return found or ["all"]

    def parts(self, view: View) -> list[str]:
        """The slices of what is looked at; empty without texts."""
        if view.by == WHOLE:
            return []
        scored = self.scored(view)
        return slice_names(view.by, slice_of(scored.frame, view.by)) if scored.here else []

    def scored(self, view: View, progress: Any = None) -> Scored:
        """Predictions and, where they are here, texts; of all slices."""
        committed = self._predictions(view.model, view.protocol)
        wanted = (committed["corpus"] == view.corpus) & (committed["split"] == view.split)
        rows = committed[wanted].reset_index(drop=True)
        if not len(rows):
            if view.protocol != AS_SHIPPED:
                title = self.services.title(view.model)
                raise LookupError(f"{title} was not measured under this protocol: pick another model or protocol.")
            return Scored(self._score_now(view.corpus, view.model, progress), True, "")
        try:
            texts = self._text_of(view.corpus)
        except TextNotHere as error:
            return Scored(rows, False, str(error))
        columns = ["id", "title", "text", "date", "subject"]
        merged = rows.merge(texts[columns].drop_duplicates("id"), on="id", how="left")
        here = bool(merged["text"].notna().all())
        hint = "" if here else "The file in FAKENEWS_DATA holds other articles than those that were measured."
        return Scored(merged.fillna(dict.fromkeys(columns[1:], "")), here, hint)

    def sliced(self, scored: Scored, view: View) -> Scored:
        """The articles of the slice, or all."""
        if view.by == WHOLE or view.part == WHOLE or not scored.here:
            return scored
        members = slice_of(scored.frame, view.by) == view.part
        return replace(scored, frame=scored.frame[members].reset_index(drop=True))

    def article(self, corpus: str, key: str) -> tuple[str, str]:
        """Title and text of an article of a corpus that is here."""
        texts = self._text_of(corpus)
        row = texts[texts["id"] == key].iloc[0]
        return str(row["title"]), str(row["text"])

    def committed(self, view: View) -> Evaluation | None:
        """The figures that are stored with the model, if it was measured there."""
        evidence = self.services.evidence(view.model)
        name = f"{view.corpus}/{view.split}"
        if evidence is None:
            return None
        if view.protocol == AS_SHIPPED:
            return evidence.corpora.get(name)
        result = evidence.protocols.get(view.protocol)
        return result.corpora.get(name) if result else None

    def _predictions(self, model: str, protocol: str) -> pd.DataFrame:
        return self.services.predictions(model, None if protocol == AS_SHIPPED else protocol)

    def _measured(self, protocol: str) -> pd.DataFrame:
        import pandas as pd

        return pd.concat([self._predictions(m, protocol) for m in self.models], ignore_index=True)

    def _text_of(self, corpus: str) -> pd.DataFrame:
        from fakenews.data.table import read_table

        if corpus not in self._texts:
            known, folder = corpus in corpora.DATASETS, self.services.settings.data
            own = None if known or folder is None else folder / f"{corpus}.parquet"
            self._texts[corpus] = self.services.corpus(corpus) if own is None else read_table(own)
        return self._texts[corpus]

    def _score_now(self, corpus: str, model: str, progress: Any) -> pd.DataFrame:
        """Predictions on a corpus that was not measured, kept in memory.

        Raises
        ------
        TextNotHere
            If its text is not on this machine.
        """
        from fakenews.evaluate.evidence import predict_frame

        key = (corpus, model)
        if key not in self._live:
            texts = self._text_of(corpus)

            def report(what: str, share: float) -> None:
                if progress:
                    progress(share, desc=f"Scoring {corpus}")

            rows = predict_frame(self.services.classifier(model), texts, corpus, "all", report)
            self._live[key] = texts.assign(p_fake=rows["p_fake"].to_numpy())
        return self._live[key]


def _is_labelled(path: Path) -> bool:
    """Whether a parquet file is a labelled table, by its column names alone."""
    import pyarrow.parquet as pq

    return {"text", "label"} <= set(pq.read_schema(path).names)
