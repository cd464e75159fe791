"""kill -9 of a server while reviewers answer a review set, again and again: nothing acknowledged may be lost.

    python -m tests.faults.kill_sets --rounds 200

Each round forks a server with the real API around one index and one bucket. Three reviewers answer over HTTP, first
blind and then with the models in sight, send every answer again that was not confirmed, and the server is killed at a
random moment. At the end every answer that was acknowledged has to be there once and as it was sent, the database has
to be whole, and an index rebuilt from the bucket has to be the same. The last line is JSON.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.review_sets.preparing import Preparer
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import Answer, NewItem, SetLink
from fakenews.share.keys import new_key
from fakenews.share.store import ShareStore
from tests.faults import killing
from tests.running import free_port

N_ARTICLES, N_REVIEWERS = 40, 3
VERDICTS = ("fake", "real", "cannot_judge")
SECOND = ("after", "spans", "comment")


@dataclass(slots=True)
class Acknowledged:
    """What the server said it had stored: the answers to each set, by the reviewer's key and the article."""

    answers: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)  # reviewer's key: id of the set
    n_answers: int = 0  # acknowledged, the first and the second of an article
    n_sent: int = 0
    refused: list[str] = field(default_factory=list)  # sentences of answers that should have been taken


def reviewer(port: int, seed: int, id_: str, known: Acknowledged, stop: threading.Event) -> None:
    """Review the set to its end, or until the server is gone."""
    draw, key = random.Random(seed), new_key(16)

    def ask(method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """Send until it is confirmed; what was on its way when the server died is sent a second time."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        while not stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                known.n_sent += 1
                connection.request(method, f"/api/v1/review-sets/{id_}{path}", body and json.dumps(body), headers)
                answer = connection.getresponse()
                content = json.loads(answer.read())
                if answer.status != 200:
                    known.refused.append(content["error"])
                    return None
                if draw.random() < 0.1:
                    continue  # as if the confirmation was lost: asking again changes nothing
                return content
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.01)
            finally:
                connection.close()
        return None

    if ask("POST", "/reviewers", {"name": f"Reviewer {seed}", "key": key}) is None:
        return
    known.begun[key] = id_
    for number in draw.sample(range(N_ARTICLES), N_ARTICLES):
        said: dict[str, Any] = {"verdict": draw.choice(VERDICTS), "confidence": draw.randint(1, 5), "seconds": 2.5}
        for _ in range(2):
            stored = ask("PUT", f"/answers/{number}", said)
            if stored is None:
                return
            known.answers[key, number] = stored
            known.n_answers += 1
            said |= {"after": draw.choice(VERDICTS), "spans": [[0, 7]], "comment": f"{seed}-{number}"}


def run(rounds: int, folder: Path, draw: random.Random) -> dict[str, Any]:
    """Kill so often, and say what was lost."""
    engine, known, port = killing.opened(folder), Acknowledged(), free_port()
    links: list[SetLink] = []
    for number in range(rounds):
        links.append(made(engine, links[0].owner if links else ""))
        seeds = range(N_REVIEWERS * number, N_REVIEWERS * (number + 1))
        reviewers = [partial(reviewer, port, seed, links[-1].id, known) for seed in seeds]
        killing.kill(engine, port, reviewers, lambda: known.n_answers, draw.uniform(0.0, 0.4))
        killing.counted(number, rounds, f"{known.n_answers} answers")
    return verdict(engine.settings, links, known)


def made(engine: Engine, owner: str) -> SetLink:
    """Make a set and, as analyzing is not what is killed here, give all of its articles no analysis."""
    sets = SetStore(ShareStore.of(engine.settings))
    items = [NewItem(f"{killing.ARTICLE} This is copy {i}.") for i in range(N_ARTICLES)]
    link = sets.create(items, title="Killed", owner=owner)
    work = Preparer(engine, sets).work
    for set_hash in work.waiting():
        while (claimed := work.claim(set_hash)) is not None:
            work.analyzed(claimed, None, "It is not analyzed here.")
    sets.storage.close()
    return link


def verdict(settings: Settings, links: list[SetLink], known: Acknowledged) -> dict[str, Any]:
    """Return what of the acknowledged is lost, stored twice or otherwise, and how the index is."""
    store = ShareStore.of(settings)
    sets = SetStore(store)
    stored = {key: sets.reviewer(id_, key).answers for key, id_ in known.begun.items()}
    lost = [(key, number) for key, number in known.answers if number not in stored[key]]
    changed = [
        (key, number)
        for (key, number), said in known.answers.items()
        if number in stored[key] and not is_as_said(stored[key][number], said)
    ]
    names = [r.name for link in links for r in sets.results(link.owner, link.id).reviewers]
    store.close()
    return {
        "requests": known.n_sent,
        "acknowledged_reviewers": len(known.begun),
        "acknowledged_answers": known.n_answers,
        "refused": len(known.refused),
        "lost_answers": len(lost),
        "changed_answers": len(changed),
        "doubled_reviewers": len(names) - len(set(names)),
        **killing.index(settings),
    }


def is_as_said(stored: Answer, said: dict[str, Any]) -> bool:
    """Tell whether an answer is stored as it was acknowledged.

    One more may be stored: the second verdict, with marks and a comment, on whose confirmation the server died.
    """
    first = ("verdict", "confidence", "seconds")
    found = {**asdict(stored), "spans": [[span.start, span.end] for span in stored.spans]}
    return all(found[name] == said[name] for name in (first if said["after"] is None else (*first, *SECOND)))


if __name__ == "__main__":
    killing.command(__doc__, run, rounds=200)
