"""`bptt-oracle campaign`: what it prints and writes, how it goes on, and its exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bptt_oracle.campaign import plan
from bptt_oracle.campaign.command_line import ARITHMETICS, BLOCK
from bptt_oracle.cli import _parser, main

SMALL = ("campaign", "--arithmetic", "float16", "--depth", "2", "--steps", "2", "--width", "2", "--instances", "40")


def test_a_campaign_prints_its_report_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--report", str(tmp_path / "found")]) == 0
    out, err = capsys.readouterr()
    data = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    text = (tmp_path / "found.md").read_text(encoding="utf-8")
    assert data["instances"] == 40
    assert data["outcomes"]["failed"] == 0
    assert out.startswith(text)
    assert "\nThis run: 40 instances, " in out
    assert "40 instances" in err


LONGER = (*SMALL[:-1], "2400", "--processes", "2")
START = 4.0  # seconds, in which a campaign starts, or nearly; or else it has done a few blocks


@pytest.mark.slow
def test_killed_at_ten_random_moments_a_campaign_ends_with_the_same_report(tmp_path: Path) -> None:
    """As it starts and as it works; with all its processes, and alone, when its workers have to end by themselves."""
    rng = np.random.default_rng(10)
    journal = tmp_path / "killed.jsonl"

    def start(name: str) -> subprocess.Popen[bytes]:
        options = ["--journal", str(tmp_path / f"{name}.jsonl"), "--report", str(tmp_path / name)]
        command = [sys.executable, "-m", "bptt_oracle.cli", *LONGER, *options]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)

    with start("whole") as whole:
        assert whole.wait() == 0

    def lines() -> int:
        return len(journal.read_bytes().splitlines()) if journal.exists() else 0

    sizes = [0]
    for number in range(10):
        with start("killed") as process:
            if number % 2:
                wanted, moment = sizes[-1] + int(rng.integers(1, 12)), None
            else:
                wanted, moment = sizes[-1] + 4, time.monotonic() + float(rng.uniform(0, START))
            while lines() < wanted and (moment is None or time.monotonic() < moment):
                assert process.poll() is None
                time.sleep(0.01)
            time.sleep(float(rng.uniform(0, 0.1)))
            assert process.poll() is None
            if number % 4 < 2:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.send_signal(signal.SIGKILL)
        _expect_none_left(process.pid)
        sizes.append(lines())
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.jsonl", "whole.json", "whole.jsonl", "whole.md"]
    with start("killed") as last:
        assert last.wait() == 0
    _expect_none_left(last.pid)
    assert len(list(tmp_path.iterdir())) == 6
    for suffix in ("json", "md"):
        assert (tmp_path / f"killed.{suffix}").read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


def _expect_none_left(group: int) -> None:
    """Within some seconds, no process of a group is running."""
    for _ in range(200):
        if not (left := _running(group)):
            return
        time.sleep(0.05)
    raise AssertionError(f"the processes {left} are still there")


def _running(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of, *_ = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


def test_processes_of_a_group_that_are_left_are_found() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        assert _running(process.pid) == [process.pid]
        process.kill()
    assert _running(process.pid) == []


def test_workers_end_when_their_campaign_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\nfrom bptt_oracle.campaign.workers import Pool\n"
        "if __name__ == '__main__':\n"
        "    with Pool(2) as pool:\n"
        "        executor = pool.executor()\n"
        "        print(executor.submit(os.getpid).result(), flush=True)\n"
        "        time.sleep(60)\n"
    )
    (tmp_path / "main.py").write_text(program)
    with subprocess.Popen([sys.executable, tmp_path / "main.py"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        os.kill(worker, 0)
        process.send_signal(signal.SIGKILL)
    for _ in range(200):
        if not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split()[2]:
            break
        time.sleep(0.05)
    else:
        raise AssertionError(f"worker {worker} is still there")


def test_a_failing_instance_is_reported_with_the_commands_that_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "GRADIENT", "campaigns:doubled")
    options = ["campaign", "--arithmetic", "float64", "--depth", "4", "--steps", "4", "--instances", "20"]
    assert main([*options, "--report", str(tmp_path / "found")]) == 1
    data = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert data["instances"] == 20
    assert data["outcomes"]["failed"] == len(data["failures"]) > 0
    assert data["outcomes"]["verified"] > 0
    failure = data["failures"][0]
    assert "times its bound" in failure["why"]
    assert failure["shrunk"].startswith("bptt-oracle campaign --repeat float64:n=3,T=3,")
    text = capsys.readouterr().out
    for command in (failure["repeat"], failure["shrunk"]):
        assert command in text
        assert main(command.split()[1:]) == 1
        assert "\nfailed: " in capsys.readouterr().out
    monkeypatch.undo()
    assert main(failure["repeat"].split()[1:]) == 0
    assert "\nverified: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--instances", "0"], "instances: expected more than 0, but got 0"),
        (["--arithmetic", "float8"], "arithmetics: expected some of padded, field"),
        (["--depth", "9"], "depth: expected 1 to 6, but got 9"),
        (["--repeat", "float8:n=1"], "expected an arithmetic among padded, field"),
        (["--processes", "0"], "--processes: expected at least 1, but got 0"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["campaign", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"bptt-oracle: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["10", "m", "3 s", "1w", ""])
def test_a_time_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["campaign", "--for", text])
    assert leaving.value.code == 2
    assert "expected a time such as 90s, 10m, 8h or 2d, but got" in capsys.readouterr().err


def test_help_and_page_list_the_arithmetics_and_their_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    assert tuple(plan.BLOCKS) == ARITHMETICS
    assert max(plan.BLOCKS.values()) == BLOCK
    with pytest.raises(SystemExit):
        main(["campaign", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"--arithmetic NAME one of {', '.join(plan.BLOCKS)}; may be repeated" in shown
    *before, in_a_format = plan.BLOCKS.values()
    assert set(list(plan.BLOCKS.values())[3:]) == {in_a_format}
    sizes = "`padded` holds {} instances, one of `field` {}, of `balls` {}, of a format {}".format(
        *before[:3], in_a_format
    )
    page = " ".join(DOCS.split())
    assert f"A block of {sizes}. A campaign of fewer than {sum(before) + 1} instances" in page


DOCS = (Path(__file__).parents[1] / "docs" / "campaign.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ bptt-oracle (campaign .*)$", DOCS, re.MULTILINE)


def test_the_commands_in_the_documentation_are_understood() -> None:
    assert len(COMMANDS) > 3
    for command in COMMANDS:
        assert _parser().parse_args(command.split()).run


def test_the_instance_in_the_documentation_is_verified() -> None:
    [command] = [command for command in COMMANDS if "--repeat" in command]
    assert main(command.split()) == 0
