"""What a function can see and reach of the machine, for each kind of isolation that this machine permits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from functions_desk import ENDPOINT, Desk, Run

from tabletop.functions import enclosures
from tabletop.functions.enclosures import Contents, Enclosure
from tabletop.functions.interpreters import Program

KINDS = ["bubblewrap", "namespaces"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    wanted: str = request.param
    if enclosures.find(wanted, (), tmp_path / "trial").kind != wanted:
        pytest.skip(f"this machine does not permit {wanted}")
    return wanted


# Another function's code, the store's files and the home of the owner are not there, by whatever path; nor can the
# function write to its code, to the system or to anything but /tmp.
def test_a_function_sees_only_its_own(at_desk: Run, kind: str) -> None:
    source = """\
        import os
        def attempt(what):
            try:
                return what()
            except OSError as error:
                return type(error).__name__
        def handler(event, context):
            reads = [attempt(lambda: os.listdir(path)) for path in event]
            writes = [attempt(lambda: open(path + "/x", "w").close()) for path in
                ("/var/task", "/usr", "/etc", "/", "/opt", "/var/runtime", "/dev", "/dev/shm", "/tmp")]
            own = [os.getcwd(), sorted(os.listdir("/var/task")), os.environ["LAMBDA_TASK_ROOT"],
                os.environ["LAMBDA_RUNTIME_DIR"], sum(name.isdigit() for name in os.listdir("/proc"))]
            return reads, writes, own
    """

    async def scene(desk: Desk) -> None:
        await desk.create({"secret.py": "x = 1\n"}, name="other")
        await desk.create(source)
        others = [desk.data, desk.data / "functions" / "code", Path.home() / ".ssh", Path("/root/.aws"), Path("/home")]
        reads, writes, own = (await desk.invoke([str(path) for path in others]))["Payload"]
        assert reads == ["FileNotFoundError"] * len(others)
        assert set(writes[:-1]) <= {"OSError", "PermissionError", "FileNotFoundError"}
        assert writes[-1] is None
        folder, files, task_root, runtime, processes = own
        assert (folder, files, task_root, runtime) == ("/var/task", ["main.py"], "/var/task", "/var/runtime")
        assert processes <= 5

    at_desk(scene, isolation=kind)


# /tmp is the function's own, holds no more than EphemeralStorage, and a full one is the function's error and no other's.
def test_tmp_is_bounded_and_its_own(at_desk: Run, kind: str) -> None:
    source = """\
        import os
        def handler(event, context):
            before = os.listdir("/tmp")
            if event:
                with open("/tmp/fill", "wb", buffering=0) as file:
                    while file.write(b"x" * 4194304):
                        pass
            return before
    """

    async def scene(desk: Desk) -> None:
        await desk.create(source, EphemeralStorage={"Size": 512}, MemorySize=256, Timeout=30)
        payload = (await desk.invoke(True))["Payload"]
        assert (payload["errorType"], payload["errorMessage"]) == ("OSError", "[Errno 28] No space left on device")
        assert (await desk.invoke(False))["Payload"] == ["fill"]
        await desk.create(source, name="g")
        assert (await desk.invoke(False, name="g"))["Payload"] == []

    at_desk(scene, isolation=kind)


# Whatever a function finds out about privileges, it has none, and cannot look out of its namespaces.
def test_a_function_has_no_privileges(at_desk: Run, kind: str) -> None:
    source = """\
        import subprocess
        def handler(event, context):
            status = open("/proc/self/status").read()
            capabilities = [line.split()[1] for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapBnd"))]
            tried = [subprocess.run(command, shell=True, stderr=subprocess.DEVNULL).returncode != 0 for command in event]
            return capabilities, tried
    """
    attempts = ["mount -t tmpfs x /tmp", "mount -o remount,rw /", "umount -l /var/task", "chroot / true"]

    async def scene(desk: Desk) -> None:
        await desk.create(source)
        capabilities, tried = (await desk.invoke(attempts))["Payload"]
        assert all(int(mask, 16) == 0 for mask in capabilities)
        assert tried == [True] * 4

    at_desk(scene, isolation=kind)


# The kernel's settings are the machine's: they are not a function's to write, not even where the server runs as root.
def test_the_kernels_settings_are_read_only(at_desk: Run, kind: str) -> None:
    source = """\
        def handler(event, context):
            outcomes = []
            for path in event:
                try:
                    value = open(path).read()
                    open(path, "w").write(value)
                    outcomes.append("written")
                except OSError as error:
                    outcomes.append("refused")
            return outcomes
    """
    settings = ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness", "/proc/self/oom_score_adj"]

    async def scene(desk: Desk) -> None:
        await desk.create(source)
        assert (await desk.invoke(settings))["Payload"] == ["refused"] * 3

    at_desk(scene, isolation=kind)


# The function's own variables, which may name libraries to load, are not those of the programs that enclose it; and they
# reach the function as they are, whatever characters they have.
def test_the_environment_is_set_inside(at_desk: Run, kind: str) -> None:
    odd = "a'b\"c $(touch /tmp/evil) `x` \\ \n ü"

    async def scene(desk: Desk) -> None:
        await desk.create(
            "import os\ndef handler(event, context):\n    return [os.environ['ODD'], os.listdir('/tmp')]\n",
            Environment={"Variables": {"ODD": odd, "LD_PRELOAD": "/nowhere.so"}},
        )
        assert (await desk.invoke())["Payload"] == [odd, []]
        await desk.service.settle()
        told = [line for line in desk.logs.text.splitlines() if "LD_PRELOAD" in line]
        # The shell inside that sets it starts one program with it: Python.
        assert len(told) <= 1

    at_desk(scene, isolation=kind)


# The function still reaches what it must: the network of the machine, names and boto3.
def test_the_network_stays(at_desk: Run, kind: str) -> None:
    source = """\
        import os, socket, boto3
        def handler(event, context):
            client = boto3.client("dynamodb")
            return [client.meta.endpoint_url, socket.gethostbyname("localhost")]
    """

    async def scene(desk: Desk) -> None:
        await desk.create(source)
        assert (await desk.invoke())["Payload"] == [ENDPOINT, "127.0.0.1"]

    at_desk(scene, isolation=kind)


# How a process inside ended is told as if nothing were around it: the exit status, or the signal.
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("os._exit(7)", "exit status 7"),
        ("os.kill(os.getpid(), 9)", "signal: killed"),
        ("os.kill(os.getpid(), 11)", "signal: segmentation fault"),
        ("os.kill(os.getpid(), 15)", "signal: terminated"),
    ],
)
def test_endings_are_told_through_the_enclosure(at_desk: Run, kind: str, statement: str, reason: str) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(f"import os\ndef handler(event, context):\n    {statement}\n")
        message = (await desk.invoke())["Payload"]["errorMessage"]
        assert message.endswith(f"Runtime exited with error: {reason}")

    at_desk(scene, isolation=kind)


# Without isolation the function runs all the same, and the owner is told: in the server's log and in the function's.
def test_missing_isolation_is_said(
    at_desk: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(enclosures.shutil, "which", lambda program: None)

    async def scene(desk: Desk) -> None:
        await desk.create("import os\ndef handler(event, context):\n    return os.getcwd()\n")
        assert Path((await desk.invoke())["Payload"]).is_relative_to(desk.data)
        await desk.service.settle()
        assert desk.logs.messages[0] == enclosures.REMARK_NONE + "\n"
        assert (desk.data / "functions" / "isolation").read_text() == "none"

    at_desk(scene)
    assert "functions are not isolated" in capsys.readouterr().err


# An owner who wants plain processes gets them without a remark.
def test_isolation_can_be_declined(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("import os\ndef handler(event, context):\n    return os.environ['LAMBDA_TASK_ROOT']\n")
        assert Path((await desk.invoke())["Payload"]).is_relative_to(desk.data)
        await desk.service.settle()
        assert desk.logs.messages[0].startswith("START")

    at_desk(scene, isolation="none")


# The kinds are tried in order, each with the arguments that functions get, and the first that runs is taken.
def test_the_best_kind_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enclosures.shutil, "which", lambda program: f"/usr/bin/{program}")
    tried: list[Enclosure] = []

    def run(enclosure: Enclosure, scratch: Path) -> bool:
        tried.append(enclosure)
        return enclosure.kind == "namespaces"

    assert enclosures.find("auto", (), tmp_path, run=run).kind == "namespaces"
    assert [enclosure.kind for enclosure in tried] == ["bubblewrap", "bubblewrap", "bubblewrap", "namespaces"]
    assert enclosures.find("none", (), tmp_path, run=run).kind == "none"
    assert enclosures.find("bubblewrap", (), tmp_path, run=run).kind == "none"


# A data directory below a folder that every function sees (as /usr/local/db) is hidden all the same.
def test_hidden_folders_below_visible_ones_are_masked(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    program = Program(os.devnull, folders=(tmp_path,))
    contents = Contents(program, tmp_path, None, tmp_path, 1)
    for kind, word in (("bubblewrap", "--tmpfs"), ("namespaces", "hide")):
        command = Enclosure(kind, (tmp_path / "db",)).enclose(contents, ("x",))  # type: ignore[arg-type]
        at = command.index(str(tmp_path / "db"))
        assert command[at - 1] == word
        assert command.index(str(tmp_path)) < at
