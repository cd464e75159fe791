"""Bring the bundle to the Hub, wait until it answers, or bring back what was there; and tell what has drifted.

Everything goes through `huggingface_hub`. The commit comes first: until it stands, nothing of the Space has changed.
What was live before is fetched before that, because the Hub has no call that goes back to an earlier commit.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.space.bundle import BundledFile
from fakenews.space.hub import insist, is_absence, mounts, same_file
from fakenews.space.spacefile import PRICES, Spacefile, Target

if TYPE_CHECKING:
    from huggingface_hub import HfApi, SpaceRuntime, Volume
    from huggingface_hub.hf_api import RepoFile

WAIT_SECONDS = 1800.0  # a GPU Space builds for ten minutes
POLL_SECONDS = 5.0
KEPT = (".gitattributes",)  # made by the Hub itself
HIDDEN = "•••"
_REFUSED = {
    401: ': the token was refused, so run "hf auth login", or set HF_TOKEN',
    403: ": the token was refused this, so use one that may write to the Space",
}
_RUNNING, _ASLEEP, _PAUSED = "RUNNING", "SLEEPING", "PAUSED"
_UNDER_WAY = ("BUILDING", "RUNNING_BUILDING", "APP_STARTING", "RUNNING_APP_STARTING")

Report = Callable[[str], None]


class DeployError(Exception):
    """A deployment that did not come to its end; the message says why, and what is live now."""


class NotBegun(DeployError, ValueError):
    """Nothing was changed: something is missing here, or the Hub cannot be asked what is live, or refuses to say."""


@dataclass(slots=True)
class _Before:
    """What was live: the commit and the bytes of the files that change, variables, hardware, sleep, volumes, stage."""

    sha: str | None  # None: there was no Space
    changed: dict[str, bytes] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    flavor: str | None = None
    sleep_seconds: int | None = None
    volumes: list[Volume] = field(default_factory=list)
    paused: bool = False


class Deployment:
    """One deployment of a bundle to a Space.

    Parameters
    ----------
    api : HfApi
        With its endpoint and token.
    spacefile, target, files
        What is deployed; `space.bundle.bundle` made the files.
    secrets : mapping
        Values of `spacefile.secrets.required`; they go to the Hub and nowhere else.
    report : callable
        Called with each step as it begins.
    wait_seconds, poll_seconds : float
        How long the Space may build and start, and how often it is asked.
    """

    def __init__(
        self,
        api: HfApi,
        spacefile: Spacefile,
        target: Target,
        files: Sequence[BundledFile],
        *,
        secrets: Mapping[str, str] | None = None,
        report: Report = lambda sentence: None,
        wait_seconds: float = WAIT_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.api = api
        self.spacefile = spacefile
        self.target = target
        self.files = files
        self.secrets = dict(secrets or {})
        self.report = report
        self.wait_seconds = wait_seconds
        self.poll_seconds = poll_seconds
        self.space = spacefile.space.id
        self._title = f"Deploy {os.urandom(4).hex()}"  # tells our commit from anyone else's
        self._sha: str | None = None  # of our commit, or of the one there where no file had to change

    def run(self) -> str:
        """Do all of it and give the address of the Space.

        Raise `DeployError` if anything failed; by then what was live before is live again, or the message says what is
        not. `NotBegun` if it failed before anything was changed.
        """
        missing = [name for name in self.spacefile.secrets.required if not self.secrets.get(name)]
        if missing:
            raise NotBegun(f"Nothing was changed: the environment lacks {', '.join(missing)}.")
        try:
            before = self._look()
        except Exception as error:
            raise NotBegun(f"Nothing was changed: {self._sentence(error)}") from error
        undone: list[str] = []
        try:
            return self._apply(before)
        except BaseException as error:  # also when interrupted: half a deployment helps nobody
            self.report(f"This failed: {self._sentence(error)}")
            undone = self._roll_back(before)
            if not isinstance(error, Exception):
                raise
            raise DeployError(" ".join([self._sentence(error), *undone])) from error

    def _look(self) -> _Before:
        """Return what is live now, and the bytes of all files that the commit would change or remove."""
        self.report(f"Looking at {self.space}.")
        try:
            info = self.api.space_info(self.space)
        except OSError as error:
            if is_absence(error):
                return _Before(None)
            raise
        local = {file.path: file for file in self.files}
        before = _Before(info.sha, variables=self._variables())
        runtime = self.api.get_space_runtime(self.space)
        before.flavor, before.sleep_seconds = runtime.requested_hardware or runtime.hardware, runtime.sleep_time
        before.volumes, before.paused = list(runtime.volumes or ()), runtime.stage == _PAUSED
        remote = self._remote()
        before.added = [path for path in local if path not in remote]
        different = [p for p, f in remote.items() if p not in KEPT and (p not in local or not same_file(local[p], f))]
        with tempfile.TemporaryDirectory() as folder:
            for path in different:
                downloaded = self.api.hf_hub_download(
                    self.space, path, repo_type="space", revision=info.sha, local_dir=folder
                )
                before.changed[path] = Path(downloaded).read_bytes()
        return before

    def _apply(self, before: _Before) -> str:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        api, space, hardware = self.api, self.spacefile.space, self.spacefile.hardware
        if before.sha is None:
            self.report(f"Creating {self.space}.")
            api.create_repo(
                self.space, repo_type="space", space_sdk=self.spacefile.runtime.sdk, visibility=space.visibility
            )
        self.report(f"Uploading {len(self.files)} files.")
        local = {file.path for file in self.files}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "It seems that you are about to commit a data file")  # predictions, meant
            commit = api.create_commit(
                self.space,
                [
                    *(CommitOperationAdd(file.path, file.content) for file in self.files),
                    *(CommitOperationDelete(path) for path in before.changed if path not in local),
                ],
                commit_message=self._title,
                repo_type="space",
                parent_commit=before.sha,
            )
        self._sha = str(commit.oid)
        for name, value in self.spacefile.variables().items():
            if before.variables.get(name) != value:
                self.report(f"Setting {name}.")
                api.add_space_variable(self.space, name, value)
        for name in before.variables:
            if name not in self.spacefile.variables():
                self.report(f"Removing {name}.")
                api.delete_space_variable(self.space, name)
        for name in self.spacefile.secrets.required:
            self.report(f"Setting the secret {name}.")
            api.add_space_secret(self.space, name, self.secrets[name])
        if mounts(self._volumes()) != mounts(before.volumes):
            self.report("Mounting what is kept.")
            self._set_volumes(self._volumes())
        flavor = self._request_hardware(self.target.flavor, before)
        if PRICES.get(flavor) and before.sleep_seconds != hardware.sleep_seconds:
            api.set_space_sleep_time(self.space, hardware.sleep_seconds)
        if before.paused:
            self.report(f"Starting {self.space}, which was paused.")
            api.restart_space(self.space)
        self._wait(self._sha)
        return self._smoke()

    def _request_hardware(self, flavor: str, before: _Before) -> str:
        """Ask for hardware; for the fallback where it is refused. Gives what was granted."""
        from huggingface_hub import SpaceHardware
        from huggingface_hub.errors import HfHubHTTPError

        if flavor == before.flavor:
            return flavor
        self.report(f"Requesting {flavor}.")
        try:
            self.api.request_space_hardware(self.space, SpaceHardware(flavor))
        except HfHubHTTPError as error:
            fallback = self.spacefile.hardware.fallback
            other = self.spacefile.target(fallback).flavor if fallback else flavor
            if other == flavor or error.response is None or error.response.status_code not in (402, 403):
                raise
            self.report(f"{flavor} was refused ({error.response.status_code}): going on with {other}.")
            return self._request_hardware(other, before)
        return flavor

    def _wait(self, sha: str) -> None:
        """Wait until the commit runs."""
        deadline = time.monotonic() + self.wait_seconds
        last_stage = ""
        while True:
            runtime = insist(lambda: self.api.get_space_runtime(self.space))
            stage, running = str(getattr(runtime.stage, "value", runtime.stage)), runtime.raw.get("sha", sha)
            if stage != last_stage:
                self.report(f"The Space is {stage.lower().replace('_', ' ')}.")
                last_stage = stage
            if stage == _RUNNING and running == sha:
                return
            if stage not in (_RUNNING, *_UNDER_WAY) and running == sha:
                raise DeployError(f"The Space ended as {stage}{self._why(runtime)}.")
            if time.monotonic() > deadline:
                raise DeployError(f"The Space was still {stage} after {self.wait_seconds:.0f} seconds.")
            time.sleep(self.poll_seconds)

    def _smoke(self) -> str:
        """Ask the new version what a visitor would ask."""
        smoke = self.spacefile.smoke
        address = str(insist(lambda: self.api.space_info(self.space)).host)
        self.report(f"Asking {address}{smoke.endpoint}.")
        deadline = time.monotonic() + smoke.timeout_s
        while True:
            try:
                self._ask(address)
                return address
            except Exception as error:
                if time.monotonic() > deadline:
                    raise DeployError(f"The smoke test failed: {self._sentence(error)}") from error
                time.sleep(min(self.poll_seconds, 2.0))

    def _ask(self, address: str) -> None:
        from gradio_client import Client

        smoke, token = self.spacefile.smoke, self.api.token if isinstance(self.api.token, str) else None
        client = Client(
            address, token=token, verbose=False, analytics_enabled=False, download_files=False,
            httpx_kwargs={"timeout": 30.0},
        )  # fmt: skip
        with closing(client):
            answer = client.submit(text=smoke.text, api_name=smoke.endpoint).result(timeout=smoke.timeout_s)
        answered = answer.get("predictions", ())
        if not answered or not all(0.0 < prediction["p_fake"] < 1.0 for prediction in answered):
            raise DeployError(f"{smoke.endpoint} gave no probabilities.")

    def _roll_back(self, before: _Before) -> list[str]:
        """Bring back what was live; sentences about what is live now."""
        try:
            if before.sha is None:
                return self._stop_new()
            if not self._ours_is_live():
                if self._sha is not None:
                    return ["Someone else has committed since, so nothing was brought back: see to the settings."]
                return ["The version from before is live, and nothing of it was changed."]
            self.report("Bringing back what was live.")
            self._restore(before)
            if before.paused:
                return ["The version from before is back, and paused as it was."]
            return ["The version from before is live again."]
        except Exception as error:
            if before.sha is None:
                return [f"And the new Space could not be paused: {self._sentence(error)}"]
            return [
                f"And it could not be brought back: {self._sentence(error)}",
                f"Go back to commit {before.sha} by hand.",
            ]

    def _stop_new(self) -> list[str]:
        """Pause a Space that was not there before, so that it neither costs anything nor shows a broken page."""
        try:
            insist(lambda: self.api.pause_space(self.space))
        except OSError as error:
            if is_absence(error):
                return ["There was no Space before, and there is none."]
            raise
        return ["There was no version before; the new Space is paused."]

    def _ours_is_live(self) -> bool:
        """Return whether the newest commit is this deployment's: its answer may have been lost.

        Where every file was there already the Hub takes none, and it is the one that the settings were changed on.
        """
        commits = insist(lambda: self.api.list_repo_commits(self.space, repo_type="space"))
        return bool(commits) and (commits[0].title == self._title or commits[0].commit_id == self._sha)

    def _restore(self, before: _Before) -> None:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, SpaceHardware

        api = self.api

        def commit() -> str:
            operations: list[CommitOperationAdd | CommitOperationDelete] = [
                *(CommitOperationAdd(path, content) for path, content in before.changed.items()),
                *(CommitOperationDelete(path) for path in before.added),
            ]
            return str(
                api.create_commit(
                    self.space, operations, commit_message=f"Undo: {self._title}", repo_type="space"
                ).oid
            )  # fmt: skip

        sha = insist(commit)
        now = insist(self._variables)
        for name, value in before.variables.items():
            if now.get(name) != value:
                insist(partial(api.add_space_variable, self.space, name, value))
        for name in now:
            if name not in before.variables:
                insist(partial(api.delete_space_variable, self.space, name))
        runtime = insist(lambda: api.get_space_runtime(self.space))
        if mounts(runtime.volumes or ()) != mounts(before.volumes):
            insist(lambda: self._set_volumes(before.volumes))
        if before.flavor and (runtime.requested_hardware or runtime.hardware) != before.flavor:
            insist(lambda: api.request_space_hardware(self.space, SpaceHardware(before.flavor)))
        if before.sleep_seconds and runtime.sleep_time != before.sleep_seconds:
            insist(lambda: api.set_space_sleep_time(self.space, before.sleep_seconds or 0))
        if before.paused:
            insist(lambda: api.pause_space(self.space))
        else:
            self._wait(sha)

    def drift(self) -> list[str]:
        """Return where the live Space differs from Spacefile and bundle, one sentence each.

        Raise `NotBegun` if there is no Space, or the Hub cannot be asked or refuses to say.
        """
        from httpx2 import TransportError

        try:
            runtime = self.api.get_space_runtime(self.space)
            return [*self._drifted_files(), *self._drifted_settings(runtime)]
        except (OSError, TransportError) as error:
            absent = f"There is no Space {self.space}."
            raise NotBegun(absent if is_absence(error) else self._sentence(error)) from error

    def _drifted_files(self) -> Iterator[str]:
        remote, local = self._remote(), {file.path: file for file in self.files}
        for path in sorted(set(local) - set(remote)):
            yield f"{path} is not on the Space."
        for path in sorted(set(remote) - set(local) - set(KEPT)):
            yield f"{path} is on the Space only."
        for path in sorted(set(local) & set(remote)):
            if not same_file(local[path], remote[path]):
                yield f"{path} differs."

    def _drifted_settings(self, runtime: SpaceRuntime) -> Iterator[str]:
        wanted, live = self.spacefile.variables(), self._variables()
        for name in sorted(wanted.keys() | live.keys()):
            if wanted.get(name) != live.get(name):
                yield f"{name} is {live.get(name)!r} on the Space and {wanted.get(name)!r} in the Spacefile."
        secrets = self.api.get_space_secrets(self.space)
        for name in self.spacefile.secrets.required:
            if name not in secrets:
                yield f"The secret {name} is not set."
        flavor = runtime.requested_hardware or runtime.hardware
        if flavor != self.target.flavor:
            yield f"The Space runs on {flavor} and not on {self.target.flavor}."
        sleep = self.spacefile.hardware.sleep_seconds
        if PRICES.get(self.target.flavor) and runtime.sleep_time != sleep:
            yield f"The Space sleeps after {runtime.sleep_time} seconds and not after {sleep}."
        if mounts(runtime.volumes or ()) != mounts(self._volumes()):
            yield f"The Space has mounted {mounts(runtime.volumes or ()) or 'nothing'} and not what [storage] says."
        if runtime.stage not in (_RUNNING, _ASLEEP):
            yield f"The Space is not running but {runtime.stage}."

    def _remote(self) -> dict[str, RepoFile]:
        from huggingface_hub.hf_api import RepoFile

        tree = self.api.list_repo_tree(self.space, repo_type="space", recursive=True)
        return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}

    def _variables(self) -> dict[str, str]:
        return {name: variable.value for name, variable in self.api.get_space_variables(self.space).items()}

    def _volumes(self) -> list[Volume]:
        from huggingface_hub import Volume

        storage = self.spacefile.storage
        return [Volume(type="bucket", source=storage.bucket, mount_path=storage.mount)] if storage.bucket else []

    def _set_volumes(self, volumes: list[Volume]) -> None:
        if volumes:
            self.api.set_space_volumes(self.space, volumes)
        else:
            self.api.delete_space_volumes(self.space)

    def _why(self, runtime: SpaceRuntime) -> str:
        """Return the Hub's own message about a failure, if it has one."""
        message = str(runtime.raw.get("errorMessage") or "").strip()
        return f": {self._hidden(message.splitlines()[-1][:300])}" if message else ""

    def _sentence(self, error: BaseException) -> str:
        """Return an error in one line, without the value of any secret."""
        from httpx2 import TransportError

        response = getattr(error, "response", None)
        if response is not None:
            message = " ".join(str(getattr(error, "server_message", "") or "").split())[:300].rstrip(".")
            text = f"The Hub answered {response.status_code}{f', {message}' if message else ''}"
            text += _REFUSED.get(response.status_code, "")
        elif isinstance(error, TransportError):
            text = f"{self.api.endpoint} cannot be reached: {error or type(error).__name__}"
        else:
            text = " ".join(str(error).split())[:400] or type(error).__name__
        return self._hidden(text if text.endswith((".", "!", "?")) else f"{text}.")

    def _hidden(self, text: str) -> str:
        for value in filter(None, (*self.secrets.values(), self.api.token)):
            text = text.replace(str(value), HIDDEN)
        return text
