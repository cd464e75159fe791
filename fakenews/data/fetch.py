"""`fakenews data get`: bring the text of a corpus into a folder of parquet files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fakenews.data import demo, isot, registry
from fakenews.data.base import TextNotHere

if TYPE_CHECKING:
    import pandas as pd

# A public copy of the two files, listed with their published sizes but never fetched by our tests.
HUB_REPO = "genesisqu/fake-real-news"
HUB_REVISION = "main"


def get(
    name: str,
    out: Path,
    source: Path | None = None,
    *,
    repo_id: str = HUB_REPO,
    revision: str = HUB_REVISION,
    sha256: Mapping[str, str] | None = None,
) -> Path:
    """Write `<out>/<name>.parquet`, whole or not at all.

    Raise `TextNotHere` if no command fetches this corpus; `ConnectionError` if the Hub cannot be reached or does not
    hold the files; `FileNotFoundError` or `ValueError` if `source` lacks a file, or a file is not what it should be.

    Parameters
    ----------
    name : str
        A corpus of the registry; only ISOT is fetched, of the others the message says where they are.
    out : Path
        Folder for the file, made if missing; what FAKENEWS_DATA should name afterwards.
    source : Path, optional
        Folder with the public `Fake.csv` and `True.csv`. Without it they come from the Hugging Face Hub (116 MB).
    repo_id, revision : str
        Data set on the Hub that holds both files, and its branch, tag or commit.
    sha256 : mapping of str to str, optional
        Expected checksum by file name.

    Returns
    -------
    Path
        The file written.
    """
    from fakenews.data.table import write_table

    spec = registry.get(name)
    if name == demo.NAME:
        raise TextNotHere(f"There is nothing to get for {spec.title}. {spec.get_hint}")
    if name != isot.NAME:
        raise TextNotHere(f"No command fetches {spec.title}. {spec.get_hint}")
    target = Path(out) / f"{name}.parquet"
    if source is not None:
        write_table(_read(Path(source), sha256 or {}), target)
        return target
    with TemporaryDirectory(prefix="fakenews-") as folder:
        for file in isot.FILES:
            _download(file, Path(folder), repo_id, revision)
        write_table(_read(Path(folder), sha256 or {}), target)
    return target


def _read(folder: Path, sha256: Mapping[str, str]) -> pd.DataFrame:
    for file, expected in sha256.items():
        try:
            digest = hashlib.sha256(isot.find_file(folder, file).read_bytes()).hexdigest()
        except FileNotFoundError:
            raise FileNotFoundError(f"{folder} has no {file}, for which a checksum was given.") from None
        if digest != expected.lower():
            raise ValueError(f"{file} has the SHA-256 {digest}, expected {expected}: it is another file.")
    return isot.load_isot_csv(folder)


def _download(file: str, folder: Path, repo_id: str, revision: str) -> None:
    from httpx2 import HTTPError  # as huggingface_hub raises it where a connection ends too early
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError

    try:
        hf_hub_download(repo_id, file, repo_type="dataset", revision=revision, local_dir=folder)
    except (OSError, HTTPError, EntryNotFoundError, HFValidationError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConnectionError(
            f"Could not get {file} from the data set {repo_id} (revision {revision}) on the Hugging Face Hub: "
            f"{reason} Go online, or pass --source FOLDER with Fake.csv and True.csv."
        ) from error
