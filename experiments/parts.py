"""The rows of a protocol: to train on, to calibrate on and to answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.data.splits import SPLITS, grouped_split
from fakenews.evidence.protocols import TIME_CUT, Protocol

if TYPE_CHECKING:
    import pandas as pd


def parts(protocol: Protocol, frame: pd.DataFrame, seed: int = 42) -> dict[str, pd.DataFrame]:
    """Return rows to train on, to calibrate on and to answer: "train", "validation", "test".

    Parameters
    ----------
    protocol : Protocol
        Not one of the "others".
    frame : DataFrame
        Of `table.read_table`. "grouped" takes its `split`; "time" its `group` of near duplicates.
    seed : int
        Of the parts that are drawn.

    Raises
    ------
    ValueError
        If the frame lacks the column the protocol needs, or a part would be empty.
    """
    if protocol.rows in ("others", "left-out"):
        raise ValueError(f"The protocol {protocol.name!r} parts no corpus: it answers whole ones.")
    if protocol.text == "title":
        frame = titles(frame)
    by_name = {name: frame[_split(protocol, frame, seed) == name].reset_index(drop=True) for name in SPLITS}
    empty = [name for name, rows in by_name.items() if not len(rows)]
    if empty:
        raise ValueError(f"The protocol {protocol.name!r} leaves no rows for {', '.join(empty)} of this table.")
    return by_name


def titles(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with a title, without the text under it."""
    return frame[frame["title"].str.strip() != ""].reset_index(drop=True).assign(text="")


def _split(protocol: Protocol, frame: pd.DataFrame, seed: int) -> NDArray[np.str_]:
    labels = frame["label"].tolist()
    if protocol.rows == "random":
        # Each row its own group: stratified 70/15/15, no regard for duplicates.
        return grouped_split(labels, np.arange(len(frame)), seed)
    needed = "split" if protocol.rows == "grouped" else "group"
    if needed not in frame:
        raise ValueError(f'The protocol {protocol.name!r} needs the column {needed}: run "fakenews data split" first.')
    if protocol.rows == "grouped":
        return np.asarray(frame["split"].tolist(), dtype=np.str_)
    groups = frame["group"].to_numpy(dtype=np.int64)
    split = time_split(frame["date"].tolist(), groups, TIME_CUT)
    early = np.flatnonzero(split == "train")
    if early.size:
        drawn = grouped_split(frame["label"].to_numpy()[early].tolist(), groups[early], seed)
        split[early[drawn == "validation"]] = "validation"
    return split


def time_split(dates: Sequence[str], groups: NDArray[np.int64], before: str = "2017-01-01") -> NDArray[np.str_]:
    """Train before a day, test from that day on; articles without a day and groups on both sides go to "".

    Parameters
    ----------
    dates : sequence of str
        ISO days; anything else counts as unknown.
    groups : ndarray of shape (n,)
        Near-duplicate groups.
    before : str
        First day of the test part, ISO.

    Returns
    -------
    ndarray of shape (n,), str
        "train", "test" or "".
    """
    days = np.array([d[:10] if len(d) >= 10 and d[:4].isdigit() and d[4] == "-" else "" for d in dates])
    split = np.where(days == "", "", np.where(days < before, "train", "test")).astype("<U10")
    for group in np.unique(groups[split == "train"]):
        members = groups == group
        if (split[members] == "test").any():
            split[members] = ""
    return split
