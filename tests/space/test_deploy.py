"""Deploying against a Hub on the loopback: the whole of it, and what is live after everything that can fail."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi
from typer.testing import CliRunner

from fakenews.cli import app
from fakenews.config import REPOSITORY
from fakenews.space import hub as hub_calls
from fakenews.space.bundle import BundledFile, bundle, lay_out
from fakenews.space.deploy import DeployError, Deployment
from fakenews.space.spacefile import Spacefile, read_spacefile
from tests.running import running
from tests.space.hub import Hub

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:httpx2")  # how the Hub's client sends large files

SPACE = "me/fakenews"
SECRET = "a value that no one may read"
BEFORE = {"README.md": b"---\ntitle: before\n---\n", "app.py": b"print('before')\n", "gone.txt": b"only before\n"}
LARGE = bytes(range(256)) * 8_000


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_calls, "SETTLE_SECONDS", 0.01)


@pytest.fixture
def spacefile() -> Spacefile:
    """Return the repository's own, with a name, a bucket and a secret, and a smoke test that does not wait long."""
    found = read_spacefile(REPOSITORY / "Spacefile").model_dump()
    found["space"]["id"] = SPACE
    found["storage"]["bucket"] = "me/kept"
    found["secrets"]["required"] = ["FAKENEWS_LINK"]
    found["smoke"]["timeout_s"] = 1
    return Spacefile.model_validate(found)


@pytest.fixture
def files(tmp_path: Path) -> list[BundledFile]:
    contents = {"README.md": b"---\ntitle: after\n---\n", "app.py": b"print('after')\n", "models/m.safetensors": LARGE}
    found = []
    for name, content in contents.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        found.append(BundledFile(name, path))
    return found


def deployment(hub: Hub, spacefile: Spacefile, files: list[BundledFile], **settings: Any) -> Deployment:
    return Deployment(
        HfApi(endpoint=hub.address, token="hf_dummy"), spacefile, spacefile.target(settings.pop("target", None)), files,
        secrets=settings.pop("secrets", {"FAKENEWS_LINK": SECRET}), poll_seconds=0.01, wait_seconds=1, **settings,
    )  # fmt: skip


# What goes wrong, and what the sentence has to say of it.
FAILURES: dict[str, tuple[list[tuple[Any, ...]], list[str], str]] = {
    "a token that is not valid": ([("GET /api/spaces/me/fakenews$", 401)], [], "401.*the token was refused"),
    "a token that is not valid for anything": ([(".*", 401)], [], "401.*the token was refused"),
    "a token that may only read": ([("POST .*", 403)], [], "403.*the token was refused"),
    "variables cannot be read": ([("GET .*/variables", 500)], [], "500"),
    "files cannot be listed": ([("GET .*/tree", 503)], [], "503"),
    "a file of the version before cannot be kept": ([("(GET|HEAD) .*/resolve/.*gone.txt", 500)], [], ""),
    "a README the Hub refuses": ([("POST /api/validate-yaml", 400)], [], ""),
    "the upload is not begun": ([("POST .*/preupload", 401)], [], "401"),
    "the large file storage is down": ([("POST .*/lfs/objects/batch", 500)], [], "500"),
    "a large file is refused": ([("PUT /blob", 403)], [], "uploading"),
    "a large file is cut off": ([("PUT /blob", "drop")], [], ""),
    "someone else is committing": ([("POST .*/commit/main", 409)], [], "409"),
    "someone else has committed": ([("POST .*/commit/main", 412)], [], "412"),
    "too many requests": ([("POST .*/commit/main", 429)], [], "429"),
    "the commit fails": ([("POST .*/commit/main", 500)], [], "500"),
    "the commit is lost": ([("POST .*/commit/main", "drop", 1)], [], ""),
    "the commit is taken and its answer lost": ([("POST .*/commit/main", "drop after", 1)], [], ""),
    "the commit is not answered": ([("POST .*/commit/main", "hang", 1)], [], ""),
    "a variable is refused": ([("POST .*/variables", 500, 1)], [], "500"),
    "too many variables a minute": ([("POST .*/variables", 429, 1, 3)], [], "429"),
    "a secret is refused": ([("POST .*/secrets", 500, 1)], [], "500"),
    "the bucket is not there": ([("PUT .*/volumes", 404, 1)], [], "404"),
    "no hardware": ([("POST .*/hardware", 500, 1)], [], "500"),
    "no hardware, nor the fallback": ([("POST .*/hardware", 402, 2)], [], "402"),
    "no sleep": ([("POST .*/sleeptime", 400, 1)], [], "400"),
    "it does not build": ([], ["BUILD_ERROR"], "BUILD_ERROR: ERROR: No matching distribution found"),
    "it does not start": ([], ["RUNTIME_ERROR"], "RUNTIME_ERROR"),
    "its README is wrong": ([], ["CONFIG_ERROR"], "CONFIG_ERROR"),
    "it builds for ever": ([], ["BUILDING"], "still BUILDING"),
    "it runs and does not answer": ([], [], "smoke test"),
    "the Hub is down too": ([("POST .*/hardware", 400, 1), ("POST .*/variables", 503, 3, 6)], [], "400"),
    "the connection breaks too": ([("POST .*/hardware", 400, 1), ("POST .*/variables", "drop", 3, 6)], [], "400"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILURES)
def test_the_version_from_before_is_live_after(name: str, hub: Hub, spacefile: Spacefile, files: list[BundledFile]):
    faults, builds, said = FAILURES[name]
    hub.put(SPACE, BEFORE, variables={"OLD": "1", "FAKENEWS_MAX_CHARS": "7"}, hardware="cpu-upgrade", sleep=900)
    before = hub.state(SPACE)
    hub.builds = list(builds)
    for fault in faults:
        hub.fail(*fault)
    told: list[str] = []
    with pytest.raises(DeployError) as refused:
        deployment(hub, spacefile, files, report=told.append).run()
    assert hub.state(SPACE) == before
    assert re.search(said, str(refused.value))
    assert any(s in str(refused.value) for s in ("Nothing was changed", "is live"))
    assert SECRET not in " ".join([str(refused.value), *told]) and "hf_dummy" not in " ".join(told)


def test_settings_are_brought_back_where_no_file_had_to_change(
    hub: Hub, spacefile: Spacefile, files: list[BundledFile]
):
    there = {file.path: file.content for file in files}
    volumes = [{"type": "bucket", "source": "me/other", "mountPath": "/data"}]
    hub.put(SPACE, there, variables={"OLD": "1"}, hardware="cpu-upgrade", sleep=900, volumes=volumes)
    before = hub.state(SPACE)
    hub.fail("POST .*/sleeptime", 400, 1)
    told: list[str] = []
    with pytest.raises(DeployError, match="The version from before is live again"):
        deployment(hub, spacefile, files, report=told.append).run()
    assert "Requesting t4-small." in told and "Mounting what is kept." in told
    assert hub.state(SPACE) == before and len(hub.spaces[SPACE].commits) == 1


@pytest.fixture
def closed() -> str:
    """Return an address at which every connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_connection_that_is_refused_is_tried_again(hub: Hub, closed: str):
    hub.put(SPACE, BEFORE)
    addresses = iter([closed] * (hub_calls.TRIES - 1) + [hub.address])
    assert hub_calls.insist(lambda: HfApi(endpoint=next(addresses), token="hf_dummy").space_info(SPACE)).id == SPACE


def test_a_connection_that_breaks_while_it_starts_does_not_end_the_deployment(
    hub: Hub, spacefile: Spacefile, files: list[BundledFile], monkeypatch: pytest.MonkeyPatch
):
    hub.put(SPACE, BEFORE)
    hub.fail("GET .*/runtime", "drop", 2, 1)
    monkeypatch.setattr(Deployment, "_smoke", lambda self: "there")
    assert deployment(hub, spacefile, files).run() == "there"
    assert hub.live(SPACE)["app.py"] == b"print('after')\n"


def test_without_a_secret_nothing_is_called(hub: Hub, spacefile: Spacefile, files: list[BundledFile]):
    with pytest.raises(DeployError, match="Nothing was changed: the environment lacks FAKENEWS_LINK"):
        deployment(hub, spacefile, files, secrets={}).run()
    assert hub.calls == []


def test_a_commit_of_someone_else_is_not_undone(hub: Hub, spacefile: Spacefile, files: list[BundledFile]):
    hub.put(SPACE, BEFORE)
    theirs = {"app.py": b"theirs"}

    def report(sentence: str) -> None:
        if sentence.startswith("Uploading"):
            hub.commit(hub.spaces[SPACE], "Theirs", theirs)

    with pytest.raises(DeployError, match="nothing of it was changed"):
        deployment(hub, spacefile, files, report=report).run()
    assert hub.live(SPACE) == theirs


def test_a_commit_of_someone_else_after_ours_is_not_undone_and_told(
    hub: Hub, spacefile: Spacefile, files: list[BundledFile]
):
    hub.put(SPACE, BEFORE)
    theirs = {"app.py": b"theirs"}
    hub.fail("POST .*/hardware", 500)

    def report(sentence: str) -> None:
        if sentence.startswith("Requesting"):
            hub.commit(hub.spaces[SPACE], "Theirs", theirs)

    with pytest.raises(DeployError, match="Someone else has committed since, so nothing was brought back") as refused:
        deployment(hub, spacefile, files, report=report).run()
    assert hub.live(SPACE) == theirs and "nothing of it was changed" not in str(refused.value)


def test_a_new_space_that_fails_is_paused_and_the_next_deployment_starts_it(
    hub: Hub, spacefile: Spacefile, files: list[BundledFile], monkeypatch: pytest.MonkeyPatch
):
    hub.builds = ["NO_APP_FILE", "BUILD_ERROR"]
    with pytest.raises(DeployError, match="the new Space is paused"):
        deployment(hub, spacefile, files).run()
    assert hub.spaces[SPACE].stage == "PAUSED"
    monkeypatch.setattr(Deployment, "_smoke", lambda self: "there")
    assert deployment(hub, spacefile, files).run() == "there"
    assert hub.spaces[SPACE].stage == "RUNNING"
    assert hub.live(SPACE)["app.py"] == b"print('after')\n"


@pytest.mark.parametrize("name", ["a secret is refused", "it does not build", "it runs and does not answer"])
def test_a_space_that_was_paused_is_paused_again_after(
    name: str, hub: Hub, spacefile: Spacefile, files: list[BundledFile]
):
    faults, builds, said = FAILURES[name]
    hub.put(SPACE, BEFORE, hardware="cpu-upgrade", sleep=900)
    hub.spaces[SPACE].stage = "PAUSED"
    before = hub.state(SPACE)
    hub.builds = list(builds)
    for fault in faults:
        hub.fail(*fault)
    with pytest.raises(DeployError, match="paused as it was") as refused:
        deployment(hub, spacefile, files).run()
    assert hub.state(SPACE) == before and said in str(refused.value)


@pytest.mark.parametrize("status", [402, 403])
def test_a_space_that_may_not_be_created_is_not_there(status: int, hub: Hub, spacefile: Spacefile, files: Any):
    hub.fail("POST /api/repos/create", status)
    with pytest.raises(DeployError, match=f"{status}.*There was no Space before, and there is none"):
        deployment(hub, spacefile, files).run()
    assert hub.spaces == {}


def test_a_new_space_that_cannot_be_paused_is_told(hub: Hub, spacefile: Spacefile, files: list[BundledFile]):
    hub.builds = ["NO_APP_FILE", "BUILD_ERROR"]
    hub.fail("POST .*/pause", 500)
    with pytest.raises(DeployError, match="And the new Space could not be paused: The Hub answered 500") as refused:
        deployment(hub, spacefile, files).run()
    assert "None" not in str(refused.value)


def test_an_interrupted_deployment_is_undone_too(hub: Hub, spacefile: Spacefile, files: list[BundledFile]):
    hub.put(SPACE, BEFORE)
    before = hub.state(SPACE)

    def report(sentence: str) -> None:
        if sentence.startswith("Requesting"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deployment(hub, spacefile, files, report=report).run()
    assert hub.state(SPACE) == before


def test_what_cannot_be_undone_is_said(hub: Hub, spacefile: Spacefile, files: list[BundledFile]):
    hub.put(SPACE, BEFORE)
    sha = hub.spaces[SPACE].commits[0].sha
    hub.builds = ["BUILD_ERROR"]
    hub.fail("POST .*/commit/main", 500, after=1)
    with pytest.raises(DeployError, match=f"could not be brought back.*Go back to commit {sha}"):
        deployment(hub, spacefile, files).run()


@pytest.fixture
def apps(hub: Hub, tmp_path: Path) -> Iterator[list[Any]]:
    """Lets the Hub run what was committed, as a Space would: seconds until ready and the address of each."""
    with ExitStack() as opened:
        found: list[Any] = []

        def start(committed: dict[str, bytes]) -> str:
            if "app.py" not in committed:
                return "http://127.0.0.1:9"
            place = tmp_path / f"space{len(found)}"
            for path, content in committed.items():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_bytes(content)
            settings = {"SYSTEM": "spaces", "SPACE_ID": SPACE, "SPACE_HOST": "me-fakenews.example", "PYTHONPATH": ""}
            address = opened.enter_context(running(place, root=place, **settings))
            found.append(address)
            return str(address)

        hub.start = start
        yield found


@pytest.mark.slow
def test_the_real_bundle_is_deployed_answers_and_has_not_drifted(hub: Hub, spacefile: Spacefile, apps: Any):
    real = bundle(REPOSITORY, spacefile, spacefile.target())
    spacefile = spacefile.model_copy(update={"smoke": spacefile.smoke.model_copy(update={"timeout_s": 300})})
    one = deployment(hub, spacefile, real)
    one.wait_seconds = 300
    assert one.run() == hub.host
    address = apps[0]
    assert address.cpu_seconds() < 120 and address.peak_mb() < 1100  # benchmarks/startup.py measures them
    shared = {"text": spacefile.smoke.text * 5}
    assert (
        httpx.post(f"{address}/api/v1/shares", json=shared).json()["link"].startswith("https://me-fakenews.example/?a=")
    )
    there = hub.spaces[SPACE]
    assert {path: hub.live(SPACE)[path] for path in (f.path for f in real)} == {f.path: f.content for f in real}
    assert (there.hardware, there.sleep) == ("t4-small", 3600)
    assert there.variables == spacefile.variables() and there.variables["FAKENEWS_BUCKET"] == "/data"
    assert there.secrets == {"FAKENEWS_LINK": SECRET}
    assert there.volumes == [{"type": "bucket", "source": "me/kept", "mountPath": "/data"}]
    assert one.drift() == []
    there.variables["FAKENEWS_MAX_CHARS"] = "9"
    there.commits[-1].files["app.py"] = b"changed"
    there.hardware, there.secrets, there.volumes, there.stage = "cpu-basic", {}, [], "PAUSED"
    found = " ".join(one.drift())
    for word in ("app.py differs", "FAKENEWS_MAX_CHARS", "secret", "cpu-basic", "mounted", "PAUSED"):
        assert word in found


# Fails the first two who ask.
FORGETFUL = """
import os
import fastapi, gradio as gr, uvicorn

asked, app = [], fastapi.FastAPI()
app.get("/healthz")(lambda: {"status": "ok"})

def analyse(text: str) -> dict:
    asked.append(text)
    if len(asked) < 3:
        raise RuntimeError("not yet")
    return {"predictions": [{"p_fake": 0.25}]}

with gr.Blocks() as page:
    gr.api(analyse, api_name="analyse")
uvicorn.run(gr.mount_gradio_app(app, page, path="/"), port=int(os.environ["FAKENEWS_PORT"]))
"""


@pytest.mark.slow
def test_each_try_of_the_smoke_test_closes_its_client(
    hub: Hub, spacefile: Spacefile, files: list[BundledFile], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    import gradio_client

    opened: list[gradio_client.Client] = []

    class Watched(gradio_client.Client):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            opened.append(self)

    monkeypatch.setattr(gradio_client, "Client", Watched)
    spacefile = spacefile.model_copy(update={"smoke": spacefile.smoke.model_copy(update={"timeout_s": 30})})
    hub.put(SPACE, BEFORE)
    (tmp_path / "app.py").write_text(FORGETFUL)
    with running(tmp_path, warm=False, root=tmp_path, GRADIO_ANALYTICS_ENABLED="False") as address:
        hub.host = str(address)
        assert deployment(hub, spacefile, files)._smoke() == address
    assert len(opened) == 3
    assert all(client._kill_heartbeat.is_set() for client in opened)


def test_hardware_that_is_refused_is_replaced(
    hub: Hub, spacefile: Spacefile, files: list[BundledFile], monkeypatch: Any
):
    hub.put(SPACE, BEFORE)
    hub.fail("POST .*/hardware", 402, 1)
    monkeypatch.setattr(Deployment, "_smoke", lambda self: "there")
    told: list[str] = []
    assert deployment(hub, spacefile, files, report=told.append).run() == "there"
    assert hub.spaces[SPACE].hardware == "cpu-basic"
    assert "t4-small was refused (402): going on with cpu-basic." in told


@pytest.mark.slow
def test_the_commands(hub: Hub, closed: str, tmp_path: Path):
    def space(*arguments: str, endpoint: str = hub.address) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": "hf_dummy", "HF_HUB_OFFLINE": "0"}
        return subprocess.run(
            [sys.executable, "-m", "fakenews", "space", *arguments], capture_output=True, text=True, env=environment,
            cwd=REPOSITORY, input="n\n",
        )  # fmt: skip

    planned = space("plan", "--id", SPACE)
    assert planned.returncode == 0 and "$0.40 an hour" in planned.stdout and "create_commit" in planned.stdout
    assert "placeholder" in space("plan").stderr
    assert "no name of a Space" in space("plan", "--id", "nonsense").stderr
    assert hub.calls == []  # neither of these asks the Hub
    refused = space("deploy", "--id", SPACE)
    assert refused.returncode == 1 and "Nothing was changed." in refused.stdout and hub.spaces == {}
    unreached = space("drift", "--id", SPACE, endpoint=closed)
    assert unreached.returncode == 2 and unreached.stderr.startswith(f"{closed} cannot be reached: ")
    absent = space("drift", "--id", SPACE)
    assert (absent.returncode, absent.stdout, absent.stderr) == (2, "", "There is no Space me/fakenews.\n")
    hub.put(SPACE, BEFORE)
    drifted = space("drift", "--id", SPACE)
    assert drifted.returncode == 1 and "gone.txt is on the Space only." in drifted.stdout
    for status in (401, 403):
        hub.faults.clear()
        hub.fail("GET", status)
        told = space("drift", "--id", SPACE)
        said = told.stderr.splitlines()[-1]
        assert told.returncode == 2 and f"The Hub answered {status}" in said and "the token was refused" in said
    laid = space("render", "--target", "zero", "--out", str(tmp_path / "zero"))
    assert laid.returncode == 0
    assert "torch==2.11.0" in (tmp_path / "zero" / "requirements.txt").read_text()
    assert 'python_version: "3.12.12"' in (tmp_path / "zero" / "README.md").read_text()
    assert space("render").stdout == "Nothing had to be changed.\n"


def test_a_deployment_that_did_not_begin_is_the_users_to_mend(hub: Hub, closed: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fakenews.space.check.check", lambda *_: [])
    monkeypatch.setenv("HF_TOKEN", "hf_dummy")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", closed)
    told = CliRunner().invoke(app, ["space", "deploy", "--yes", "--id", SPACE])
    assert told.exit_code == 2
    assert told.stderr.splitlines()[-1].startswith(f"Nothing was changed: {closed} cannot be reached: ")


def test_laid_out_files_are_those_of_the_bundle(tmp_path: Path, files: list[BundledFile]):
    lay_out(files, tmp_path / "out")
    assert (tmp_path / "out" / "models" / "m.safetensors").read_bytes() == LARGE
