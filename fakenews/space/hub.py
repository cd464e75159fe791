"""Calls to the Hub that are tried again, and comparisons of what it says with what is here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from fakenews.space.bundle import BundledFile

if TYPE_CHECKING:
    from huggingface_hub import Volume
    from huggingface_hub.hf_api import RepoFile

TRIES = 5  # of each call that brings back what was there
SETTLE_SECONDS = 2.0  # between two of these

T = TypeVar("T")


def insist(call: Callable[[], T]) -> T:
    """Call again where the Hub is busy or out of reach; what it refuses for good is raised at once."""
    from httpx2 import TransportError  # as huggingface_hub raises it, whose calls alone are made here
    from huggingface_hub.errors import HfHubHTTPError

    for left in reversed(range(TRIES)):
        try:
            return call()
        except (HfHubHTTPError, TransportError, OSError) as error:
            response: Any = getattr(error, "response", None)
            status = 503 if response is None else response.status_code
            if not left or (status < 500 and status not in (408, 409, 412, 429)):
                raise
            time.sleep(SETTLE_SECONDS)
    raise AssertionError("unreachable")


def is_absence(error: Exception) -> bool:
    """Return whether the Hub says that there is no such Space; with 401 it says so to any token it does not know."""
    from huggingface_hub.errors import RepositoryNotFoundError

    return isinstance(error, RepositoryNotFoundError) and error.response.status_code == 404


def same_file(file: BundledFile, remote: RepoFile) -> bool:
    """Return whether a file of the bundle is the one on the Hub."""
    return file.is_at(remote.blob_id, remote.lfs.sha256 if remote.lfs else None)


def mounts(volumes: Sequence[Volume]) -> list[tuple[str, str]]:
    """Return the source and mount path of each volume, in order."""
    return sorted((volume.source, volume.mount_path) for volume in volumes)
