"""kill -9 of "fakenews score" on a long table, resumed each time: every row once, and memory that does not grow.

    python -m tests.faults.kill_batch --rows 100000 --kills 5

The table is made of the demo's vocabulary; the model is the shipped TF-IDF. The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from fakenews.config import REPOSITORY

WORDS = """
the council of town met on tuesday to talk about bridge money people said that president would not speak election
report new law vote city police week after years house plan minister court news company state school
""".split()  # noqa: SIM905
BROKEN, STRAY = 500, 700  # of a thousand rows, the one with a cell too few and the one with a quote too many
WARM_UP = 0.15  # share of the rows after which memory is expected to stand still


def make_table(path: Path, rows: int, seed: int = 0) -> None:
    """So many rows of 50 to 120 words, two in a thousand of them broken."""
    draw = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "title", "text"))
        for i in range(rows):
            text = " ".join(draw.choices(WORDS, k=draw.randint(50, 120)))
            if i % 1000 == STRAY:
                file.write(f'{i},Title {i},"{text}\r\n')
            else:
                writer.writerow((i, "broken") if i % 1000 == BROKEN else (i, f"Title {i}", text))


def run(rows: int, kills: int, folder: Path, model: str = "tfidf", seed: int = 0) -> dict[str, Any]:
    """Score with interruptions, and say whether every row is there once and how memory went."""
    source, out = folder / "in.csv", folder / "out.csv"
    make_table(source, rows)
    draw = random.Random(seed)
    command = [sys.executable, "-m", "fakenews", "score", str(source), str(out), "--model", model, "--resume"]
    memory: list[tuple[float, float]] = []  # share of the rows done, megabytes
    started, killed = time.monotonic(), 0
    marks = sorted(draw.uniform(0.05, 0.9) for _ in range(kills))
    while True:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watcher = threading.Thread(target=watch, args=(process, out, rows, memory), daemon=True)
        watcher.start()
        while process.poll() is None:
            time.sleep(0.02)
            if killed < len(marks) and rows_done(out) >= marks[killed] * rows:
                time.sleep(draw.uniform(0, 0.3))
                process.send_signal(signal.SIGKILL)
                killed += 1
                break
        said, error = process.communicate()
        if process.returncode == 0:
            break
        if process.returncode != -signal.SIGKILL:
            raise RuntimeError(error)
    with out.open(newline="", encoding="utf-8") as file:
        ids = [int(row["id"]) for row in csv.DictReader(file)]
    told = out.with_name("out.csv.errors.jsonl").read_text(encoding="utf-8").splitlines() if rows > 500 else []
    bad = [i for i in range(rows) if i % 1000 in (BROKEN, STRAY)]
    warm = [m for share, m in memory if share >= WARM_UP]
    return {
        "rows": rows,
        "kills": killed,
        "every_row_once": ids == [i for i in range(rows) if i % 1000 not in (BROKEN, STRAY)],
        "bad_rows_once": [json.loads(line)["line"] - 2 for line in told] == bad,
        "memory_mb": [round(min(warm), 1), round(max(warm), 1)] if warm else [],
        "memory_samples": len(warm),
        "seconds": round(time.monotonic() - started, 1),
        "said": said.strip().splitlines()[-1],
    }


def rows_done(out: Path) -> int:
    """Rows that the journal says are on disk."""
    try:
        lines = out.with_name(f"{out.name}.journal").read_text(encoding="utf-8").splitlines()
        return int(json.loads(lines[-1]).get("read", 0))
    except (OSError, ValueError, IndexError):
        return 0


def watch(process: subprocess.Popen[str], out: Path, rows: int, memory: list[tuple[float, float]]) -> None:
    """Note the resident memory of a process five times a second, once it has scored for a while."""
    first = None
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000
        except (OSError, StopIteration):
            return
        done = rows_done(out)
        first = done if first is None else first
        if done - first >= 0.02 * rows:  # of this process: after its own warm-up
            memory.append((done / rows, resident))
        time.sleep(0.2)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--kills", type=int, default=5)
    arguments.add_argument("--model", default="tfidf")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(asked.rows, asked.kills, Path(folder), asked.model)))


if __name__ == "__main__":
    main()
