"""The same scoring on Ray Data: one task reads rows, actors that hold the models score them, in order."""

from __future__ import annotations

import json
import logging
import os
import pickle
from collections.abc import Iterator
from itertools import islice
from typing import Any

from fakenews.batch.rows import Item, Table
from fakenews.batch.score import CHUNK, Task, score_items
from fakenews.config import REPOSITORY, Settings
from fakenews.engine import Engine
from fakenews.engine.errors import InputError

MISSING = "--engine ray needs Ray, which is not here: pip install -r requirements-ray.txt."
_BLOCK = 1_000_000  # bytes; rows travel in blocks of this size, so that nothing waits for the end of a large file


class Scorer:
    """An actor: models loaded once, then chunk after chunk."""

    def __init__(self, settings: Settings, task: Task) -> None:
        self.engine = Engine.open(settings)
        self.task = task

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Score a batch of packed items."""
        items: list[Item] = [pickle.loads(packed) for packed in batch["item"]]
        scored = list(score_items(self.engine, self.task, items))
        return {
            "item": [pickle.dumps(item) for item, _ in scored],
            "share": batch["share"],
            "added": [json.dumps(added) for _, added in scored],
        }


def ray(
    engine: Engine, task: Task, table: Table, skip: int
) -> Iterator[tuple[list[tuple[Item, dict[str, Any]]], float]]:
    """Score on the cluster that `RAY_ADDRESS` names, or on one of this machine's own that ends with the work.

    Actors take half a core each and leave one free: Ray's own tasks wait for ever where actors hold every core
    (ray#44687).

    Raise `InputError` if Ray is not here.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    try:
        import ray as cluster
        from ray.data import ActorPoolStrategy, DataContext
    except ModuleNotFoundError as error:
        raise InputError(MISSING) from error

    columns, path, encoding = task.columns, table.path, table.encoding

    def rows(_: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for item, share in islice(Table(path, encoding).items(columns), skip, None):
            yield {"item": pickle.dumps(item), "share": share}

    cluster.init(
        include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False,
        ignore_reinit_error=True,
    )  # fmt: skip
    try:
        context = DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.target_max_block_size = _BLOCK
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        resources: dict[str, float] = cluster.cluster_resources()  # type: ignore[no-untyped-call]
        actors = max(int(resources.get("CPU", 2)) - 1, 1)
        scored = (
            cluster.data.from_items([{"path": str(path)}], override_num_blocks=1)
            .flat_map(rows)
            .map_batches(
                Scorer,
                fn_constructor_args=(engine.settings, task),
                batch_size=CHUNK,
                num_cpus=0.5,
                compute=ActorPoolStrategy(size=actors),
            )
        )
        for batch in scored.iter_batches(batch_size=CHUNK, batch_format="numpy"):
            items = [pickle.loads(packed) for packed in batch["item"]]
            added = [json.loads(packed) for packed in batch["added"]]
            yield list(zip(items, added, strict=True)), float(batch["share"][-1])
    finally:
        cluster.shutdown()
