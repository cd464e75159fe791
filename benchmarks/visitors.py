"""Visitors who ask a server for verdicts, as many as wanted at once; a process that `benchmarks.load` starts.

    python -m benchmarks.visitors < SCENE

locust replaces Python's sockets, so it is kept out of the process that starts the server. The scene, read as JSON:
`host`, `texts`, `seconds`, and either `users` and `think` (mean seconds between an answer and that user's next
question, exponentially distributed; a closed loop, in which those who are refused wait as long as they are told if
`patient`) or `rate` (questions a second, arriving whether or not earlier ones are answered; an open loop). Prints what
came back as JSON: a list of [second, seconds, status].
"""

from __future__ import annotations

# isort: off
from locust import FastHttpUser, constant, task  # first: it replaces the sockets
from locust.env import Environment

# isort: on
import json
import random
import sys
import time
from typing import Any

import gevent

PATH = "/api/v1/analyse"


def main() -> None:
    scene = json.load(sys.stdin)
    answers: list[tuple[float, float, int]] = []
    draw, started = random.Random(0), time.monotonic()

    class Visitor(FastHttpUser):
        host = scene["host"]
        concurrency = 2000
        network_timeout = connection_timeout = 60.0

        def ask(self) -> float:
            """Return the seconds after which the server says to come again; 0 if it says nothing."""
            begun = time.monotonic()
            with self.client.post(PATH, json={"text": draw.choice(scene["texts"])}, catch_response=True) as answer:
                answer.success()  # what it was is counted here
                answers.append((begun - started, time.monotonic() - begun, answer.status_code))
            return float((answer.headers or {}).get("retry-after", 0))

    class Closed(Visitor):
        wait_time = constant(0)

        def on_start(self) -> None:
            gevent.sleep(self.pause())  # not all at once

        @task
        def read(self) -> None:
            told = self.ask()
            gevent.sleep(self.pause() + (told if scene.get("patient") else 0.0))

        def pause(self) -> float:
            return draw.expovariate(1 / scene["think"]) if scene.get("think") else 0.0

    class Open(Visitor):
        wait_time = constant(0)

        @task
        def arrive(self) -> None:
            gevent.spawn(self.ask)
            gevent.sleep(draw.expovariate(scene["rate"]))

    environment = Environment(user_classes=[Open if "rate" in scene else Closed])
    runner = environment.create_local_runner()
    users = 1 if "rate" in scene else scene["users"]
    runner.start(users, spawn_rate=users)
    gevent.sleep(scene["seconds"])
    asked: list[Any] = answers.copy()  # what is still under way does not count
    runner.quit()
    json.dump(asked, sys.stdout)


if __name__ == "__main__":
    main()
