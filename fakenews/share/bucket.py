"""Immutable objects in a mounted folder: a JSON file for everything that happened, closed before it counts.

Such mounts have no locks, and the last writer wins, so no object is ever written twice: its name holds its time and a
random part. Only deleting a share removes objects, after an object that says so.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

Event = Mapping[str, Any]

_OF_A_REVIEWER = re.compile("-(reviewer|answer)-")


@dataclass
class Bucket:
    """Events in a folder, as `shares/XX/HASH/TIME-KIND-RANDOM.json`, XX the first two digits of HASH."""

    folder: Path  # made if it is not there

    def write(self, event: Event) -> str:
        """Store an event and give its name; it is on disk when this returns.

        Raise `OSError` if the folder cannot be written to.
        """
        folder = self._place(event["share"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{event['at']:015d}-{event['kind']}-{secrets.token_hex(8)}.json"
        with path.open("x", encoding="utf-8") as file:
            json.dump(event, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(folder)
        return path.name

    def events(self, known: set[str]) -> Iterator[tuple[str, Event]]:
        """Yield events whose names are not `known`, oldest first; what a crash left half written is passed over."""
        paths = [p for p in self.folder.glob("shares/??/*/*.json") if p.name not in known]
        for path in sorted(paths, key=lambda p: p.name):
            if event := _read(path):
                yield path.name, event

    def erase(self, share: str, *reviewers: str) -> None:
        """Remove all objects of a share, or of some of its reviewers, except those that say what was deleted."""
        for path in self._place(share).glob("*.json"):
            if "-delete-" in path.name or (reviewers and not _OF_A_REVIEWER.search(path.name)):
                continue
            if not reviewers or _read(path).get("reviewer") in reviewers:
                path.unlink(missing_ok=True)

    def forgotten(self) -> dict[str, set[str]]:
        """Return the reviewers that were deleted, by the share they belonged to."""
        found: dict[str, set[str]] = {}
        for path in self.folder.glob("shares/??/*/*-forget-*.json"):
            if isinstance(reviewer := _read(path).get("reviewer"), str):
                found.setdefault(path.parent.name, set()).add(reviewer)
        return found

    def half_erased(self, deletions: set[str]) -> set[str]:
        """Return shares that an object of these names says were deleted, and of which other objects are still there.

        A deletion that was never written to its end is none.
        """
        names_by_folder: dict[Path, set[str]] = {}
        for path in self.folder.glob("shares/??/*/*.json"):
            names_by_folder.setdefault(path.parent, set()).add(path.name)
        return {
            folder.name
            for folder, names in names_by_folder.items()
            if any("-delete-" in name for name in names & deletions) and any("-delete-" not in name for name in names)
        }

    def _place(self, share: str) -> Path:
        return self.folder / "shares" / share[:2] / share


def _read(path: Path) -> Event:
    """Return an event; nothing where it is not whole, or erased meanwhile."""
    try:
        event = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        logger.warning("%s is not whole and is passed over: it was never confirmed to anyone.", path.name)
        return {}
    except FileNotFoundError:
        return {}
    return event if isinstance(event, dict) else {}


def _sync_folder(folder: Path) -> None:
    """Make a new name durable; mounts that cannot sync folders are durable on close."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
