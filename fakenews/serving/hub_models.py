"""Models that the Spacefile names by Hub id: brought while the server answers already, kept on the mounted volume.

Each is added by `fakenews add` in a process of its own: the server stays offline, whatever that downloads or loads is
gone with it, and what goes wrong is its last sentence. Each ends as a model that is asked, or as that sentence in the
log, in /healthz and in `fakenews models`.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.classifiers import inventory, model_folder
from fakenews.classifiers.inventory import Awaited
from fakenews.config import Settings

if TYPE_CHECKING:
    from fakenews.engine.pool import ModelPool
    from fakenews.space.spacefile import HubModel

logger = logging.getLogger(__name__)

CACHE = "models"  # in the mounted volume
SECONDS = 3600.0  # that bringing one may take


class HubModels:
    """What the Spacefile wants, and how far it is.

    Parameters
    ----------
    settings : Settings
        With the Spacefile, the folder of models, and the volume if there is one.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wanted = _wanted(settings.spacefile)
        self.cache = settings.bucket / CACHE if settings.bucket else None
        self.awaited = {m.key: Awaited(m.key, f"{m.id}@{m.revision}", "waiting") for m in self.wanted}
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def take_cached(self) -> None:
        """Take over what the volume holds already; in seconds, so before the page is built."""
        for model in self.wanted:
            if self._is_here(self.settings.models / model.key, model):
                self._set(model, "ready")
            elif self.cache and self._is_here(self.cache / model.key, model):
                try:
                    _copy(self.cache / model.key, self.settings.models / model.key)
                    self._set(model, "ready")
                except OSError as error:
                    logger.warning("%s cannot be taken from the volume: %s.", model.key, error.strerror or error)

    def bring(self, pool: ModelPool) -> None:
        """Bring what is not here, one model after the other, and load each."""
        for model in self.wanted:
            if self._stopped:
                return
            if self.awaited[model.key].state != "ready":
                self._set(model, "fetching")
                sentence = self._add(model)
                if sentence:
                    self._fail(model, sentence)
                    continue
                self._keep(model)
            try:
                pool.refresh()
                pool.classifier(model.key)
            except Exception as error:
                self._fail(model, str(error) or type(error).__name__)
                continue
            self._set(model, "served")
            logger.info("%s of %s is served.", model.key, model.id)

    def stop(self) -> None:
        """End what is under way."""
        self._stopped = True
        self.stop_process()

    def stop_process(self) -> None:
        """End the command that is running, and wait for it: it leaves nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _add(self, model: HubModel) -> str:
        """Run `fakenews add`; what went wrong, or ""."""
        target = self.settings.models / model.key
        try:
            if target.exists():
                shutil.rmtree(target)  # another revision, or half a copy: names of other models are refused
            command = [sys.executable, "-m", "fakenews", "add", model.key, *model.options()]
            environment = {
                **os.environ, "FAKENEWS_MODELS": str(self.settings.models), "FAKENEWS_DEVICE": "cpu",
                "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0",
            }  # fmt: skip
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True, errors="replace",
            )  # fmt: skip
            _, said = self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.stop_process()
            return f"{model.id} was not brought within {SECONDS / 60:.0f} minutes."
        except OSError as error:
            return f"{model.id} cannot be added: {error.strerror or type(error).__name__}."
        if self._process.returncode == 0:
            return ""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return lines[-1] if lines else f"{model.id} was not added: the command ended with {self._process.returncode}."

    def _keep(self, model: HubModel) -> None:
        if self.cache is None:
            return
        try:
            _copy(self.settings.models / model.key, self.cache / model.key)
        except OSError as error:
            logger.warning("%s is not kept on the volume: %s.", model.key, error.strerror or error)

    def _is_here(self, folder: Path, model: HubModel) -> bool:
        """Return whether a folder holds the whole model, as it is wanted."""
        try:
            source = model_folder.settings(folder).get(model_folder.SOURCE, {})
            model_folder.verify(folder)
        except (OSError, model_folder.WrongFile):
            return False
        wanted = (model.id, model.revision)
        return (folder / model_folder.SUMS).is_file() and (source.get("from"), source.get("revision")) == wanted

    def _fail(self, model: HubModel, sentence: str) -> None:
        logger.error("%s cannot be served: %s", model.key, sentence)
        self._set(model, "failed", sentence)

    def _set(self, model: HubModel, state: str, sentence: str = "") -> None:
        self.awaited[model.key] = Awaited(model.key, f"{model.id}@{model.revision}", state, sentence)
        try:
            inventory.write_awaited(self.settings.models, list(self.awaited.values()))
        except OSError as error:
            logger.warning("What becomes of %s cannot be written down: %s.", model.key, error.strerror or error)

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Return the JSON form, by name."""
        return {name: asdict(awaited) for name, awaited in self.awaited.items()}


def _wanted(spacefile: Path | None) -> Sequence[HubModel]:
    """Return what a Spacefile names; nothing, and why in the log, of one that cannot be read."""
    from fakenews.space.spacefile import read_spacefile

    if spacefile is None or not spacefile.is_file():
        return ()
    try:
        return read_spacefile(spacefile).models.hub
    except ValueError as error:
        logger.error("The models that the Spacefile names are not brought: %s", str(error).splitlines()[0])
        return ()


def _copy(source: Path, target: Path) -> None:
    """Copy the folder of a model, its checksums last: without these it counts as not there."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    files = sorted(source.iterdir(), key=lambda file: file.name == model_folder.SUMS)
    for file in files:
        shutil.copyfile(file, target / file.name)
