"""Bring a data set from the Hugging Face Hub: its tables, at one commit, streamed to the disk and checked."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fakenews.data.formats import SUFFIXES
from fakenews.data.incoming import Question
from fakenews.hub import asking

HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
_KINDS = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".gz")  # the first that there is
_NOT_TABLES = ("dataset_infos.json", "package.json")
_PART = re.compile(r"(?<![^-_./])(?:train|test|valid|validation|val|dev|\d{5}-of-\d{5})(?![^-_./])", re.I)


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a data set: its path there, its bytes, and its SHA-256 where the Hub says it."""

    path: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class HubTables:
    """The tables of a data set at one commit that belong together."""

    repo: str
    revision: str
    license: str | None
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def __str__(self) -> str:
        """Say what would be downloaded."""
        n = len(self.files)
        names = ", ".join(file.path for file in self.files[:3]) + (", …" if n > 3 else "")
        return (
            f"{self.repo} at {self.revision[:12]}: {n} file{'s' if n > 1 else ''} ({names}), {self.size / 1e6:,.1f} MB"
        )


def find_tables(repo: str, revision: str | None = None, file: str = "") -> HubTables:
    """Ask the Hub which tables a data set has.

    Parts of one table, such as train and test, belong together; of several tables `file` names the one that is meant.

    Raise `Question` if there are several; `ValueError` if the Hub cannot be reached or does not give the data set, or
    it has no table.
    """
    from huggingface_hub import HfApi

    with asking("data set", repo, revision, ValueError):
        info = HfApi().dataset_info(repo, revision=revision, files_metadata=True)
    found = {
        s.rfilename: HubFile(s.rfilename, s.size or 0, s.lfs.sha256 if s.lfs else None) for s in info.siblings or ()
    }
    tables = [
        path
        for path in sorted(found)
        if path.lower().endswith(SUFFIXES) and PurePosixPath(path).name not in _NOT_TABLES and not path.startswith(".")
    ]
    if file and file not in found:
        raise ValueError(f"{repo} has no file {file!r}: it has {', '.join(tables) or 'no tables'}.")
    if not tables:
        raise ValueError(f"{repo} has no table of a format that can be read: {', '.join(SUFFIXES)}.")
    if not file:
        kind = next(kind for kind in _KINDS if any(path.lower().endswith(kind) for path in tables))
        tables = [path for path in tables if path.lower().endswith(kind)]
        if len({_PART.sub("", path) for path in tables}) > 1:
            raise Question(f"Which file of {repo}: {', '.join(tables)}? Say it with --file NAME.", "file", tables)
    chosen = tuple(found[path] for path in ([file] if file else tables))
    return HubTables(repo, str(info.sha), getattr(info.card_data, "license", None), chosen)


def download(tables: HubTables, folder: Path) -> list[Path]:
    """Download tables into a folder, and compare them with what the Hub said of them.

    Raise `ValueError` if there is no room, the download fails, or a file is another one.
    """
    from huggingface_hub import hf_hub_download

    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if 2 * tables.size > free:
        raise ValueError(f"{tables.repo} has {tables.size / 1e6:,.0f} MB, and {folder} has room for {free / 1e6:,.0f}.")
    paths = []
    for file in tables.files:
        with asking("data set", tables.repo, tables.revision, ValueError):
            path = Path(
                hf_hub_download(
                    tables.repo, file.path, repo_type="dataset", revision=tables.revision, local_dir=folder
                )
            )  # fmt: skip
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if path.stat().st_size != file.size or (file.sha256 and digest != file.sha256):
            raise ValueError(f"{file.path} of {tables.repo} is not the file that the Hub names: try again.")
        paths.append(path)
    return paths
