"""Small rounds of the fault scripts; as `python -m tests.faults.kill_server` and the like they run at length."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakenews.config import REPOSITORY

pytestmark = pytest.mark.slow


def script(name: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", f"tests.faults.{name}", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nothing_acknowledged_is_lost_when_the_server_is_killed() -> None:
    found = script("kill_server", "--rounds", "20")
    assert found["acknowledged_shares"] > 20 and found["acknowledged_reviews"] > 20
    assert found["lost_shares"] == found["lost_reviews"] == found["lost_begun_reviews"] == 0, found
    assert found["deleted_but_back"] == 0 and found["database_intact"] and found["rebuilt_index_is_the_same"], found


def test_every_row_once_when_scoring_is_killed(tmp_path: Path) -> None:
    found = script("kill_batch", "--rows", "4000", "--kills", "3")
    assert found["kills"] == 3 and found["every_row_once"] and found["bad_rows_once"], found


def test_no_answer_to_a_review_set_is_lost_when_the_server_is_killed() -> None:
    found = script("kill_sets", "--rounds", "10")
    assert found["acknowledged_reviewers"] >= 10 and found["acknowledged_answers"] > 20
    assert found["lost_answers"] == found["changed_answers"] == found["doubled_reviewers"] == found["refused"] == 0, (
        found
    )
    assert found["database_intact"] and found["rebuilt_index_is_the_same"], found
