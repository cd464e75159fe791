"""The lock says what is installed, and everything in it has a hash."""

from __future__ import annotations

import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fakenews.config import REPOSITORY

LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
ENTRIES = [entry for entry in re.split(r"\n(?=\S)", LOCK.replace("\\\n", " ").strip()) if not entry.startswith("#")]
LOCKED = [Requirement(entry.partition("--hash")[0].strip()) for entry in ENTRIES]
PINNED = [
    Requirement(line.partition(" #")[0])
    for line in (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith(("#", "-"))
]


def test_every_entry_has_hashes() -> None:
    assert len(ENTRIES) > 50
    assert not [entry[:60] for entry in ENTRIES if "--hash=sha256:" not in entry]


@pytest.mark.parametrize("requirement", PINNED, ids=lambda r: r.name)
def test_what_is_required_is_locked_at_the_same_version(requirement: Requirement) -> None:
    locked = {entry.name.lower().replace("_", "-"): str(entry.specifier) for entry in LOCKED}
    assert locked[requirement.name.lower().replace("_", "-")] == str(requirement.specifier)


def test_all_that_is_drawn_in_is_locked() -> None:
    locked = {canonicalize_name(entry.name) for entry in LOCKED}
    seen: set[str] = set()
    waiting = [(r.name, r.extras) for r in PINNED]
    while waiting:
        name, extras = waiting.pop()
        if canonicalize_name(name) in seen:
            continue
        seen.add(canonicalize_name(name))
        for line in requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras or {""}):
                waiting.append((needed.name, needed.extras))
    assert len(seen) > 40
    assert not seen - locked
