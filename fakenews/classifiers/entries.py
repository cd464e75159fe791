"""What model files hold, by name: a name that is not there is a fault of the file, not of this code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn


class MissingEntry(ValueError):
    """Raised when a file of a model lacks an entry."""


class Entries(dict[str, Any]):
    """A mapping read from a file."""

    def __missing__(self, key: str) -> NoReturn:
        raise MissingEntry(f"There is no {key!r}.")


def read_json(path: Path) -> Entries:
    """Read a JSON object whose objects all refuse names that they lack.

    Raise `JSONDecodeError` or `MissingEntry` if it is no JSON, or no object.
    """
    values = json.loads(path.read_text(encoding="utf-8"), object_hook=Entries)
    if not isinstance(values, Entries):
        raise MissingEntry(f"{path.name} holds no object.")
    return values


@contextmanager
def of_file() -> Iterator[None]:
    """Turn a `KeyError` of a library that reads a file into one that says an entry is missing there."""
    try:
        yield
    except KeyError as error:
        raise MissingEntry(f"There is no {error}.") from error
