"""The journal: what is torn is dropped; what is damaged or another's is refused; one campaign at a time holds it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from campaigns import quick

from bptt_oracle.campaign import journal as module
from bptt_oracle.campaign.errors import CampaignError
from bptt_oracle.campaign.journal import Journal
from bptt_oracle.campaign.plan import Plan

PLAN = Plan(instances=3000)
BLOCKS = 12


def written(path: Path, blocks: int = BLOCKS) -> bytes:
    """A journal with so many blocks."""
    with Journal(path, PLAN) as journal:
        for number in range(blocks):
            journal.add(quick(PLAN, number), number / 10)
    return path.read_bytes()


def numbers(path: Path) -> list[int]:
    with Journal(path, PLAN) as journal:
        return [done.number for done, _ in journal.blocks()]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = written(tmp_path / "j")
    assert all(set(json.loads(line)) == {"crc", "record"} for line in content.splitlines())
    with Journal(tmp_path / "j", PLAN) as journal:
        found = list(journal.blocks())
    assert [done.found for done, _ in found] == [quick(PLAN, number).found for number in range(BLOCKS)]
    assert [at for _, at in found] == [number / 10 for number in range(BLOCKS)]
    assert (tmp_path / "j").read_bytes() == content


def test_a_journal_torn_anywhere_loses_the_torn_line_alone(tmp_path: Path) -> None:
    content = written(tmp_path / "j", 3)
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for length in [*range(0, len(content), 61), *ends, *(end - 1 for end in ends), *(end + 1 for end in ends[:-1])]:
        (tmp_path / "torn").write_bytes(content[:length])
        whole = sum(end <= length for end in ends)
        assert numbers(tmp_path / "torn") == list(range(max(0, whole - 1)))
        assert (tmp_path / "torn").read_bytes() == content[: ends[max(1, whole) - 1]]


@pytest.mark.parametrize("tail", [bytes(300), b'{"crc":"00000000","record":{}}\n', b"\xff\xfe\n\n{}\n"])
def test_what_no_line_follows_is_dropped(tmp_path: Path, tail: bytes) -> None:
    content = written(tmp_path / "j", 3)
    (tmp_path / "j").write_bytes(content + tail)
    assert numbers(tmp_path / "j") == [0, 1, 2]
    assert (tmp_path / "j").read_bytes() == content


def test_a_damaged_line_before_whole_ones_is_refused_and_nothing_changed(tmp_path: Path) -> None:
    lines = written(tmp_path / "j", 3).splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"block":1', b'"block":7')
    (tmp_path / "j").write_bytes(b"".join(lines))
    with pytest.raises(CampaignError, match=r"j: line 3 is damaged, and lines after it are not; use another journal"):
        Journal(tmp_path / "j", PLAN)
    assert (tmp_path / "j").read_bytes() == b"".join(lines)


@pytest.mark.parametrize("content", [b"hello\n", b"\x00\x01", b"{}\n", b"crc"])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(CampaignError, match="expected the journal of a campaign, but got something else"):
        Journal(tmp_path / "j", PLAN)
    assert (tmp_path / "j").read_bytes() == content


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (replace(PLAN, seed=7), "seed is 2016, not 7"),
        (replace(PLAN, instances=4000), "instances is 3000, not 4000"),
        (replace(PLAN, gradient="os:system"), "gradient is 'bptt_oracle.manual:one_pass', not 'os:system'"),
    ],
)
def test_a_journal_of_another_plan_is_refused(tmp_path: Path, other: Plan, difference: str) -> None:
    content = written(tmp_path / "j", 1)
    with pytest.raises(CampaignError) as refused:
        Journal(tmp_path / "j", other)
    assert str(refused.value).endswith(f"but it is another's: {difference}; use another journal")
    assert (tmp_path / "j").read_bytes() == content


def test_a_journal_of_other_versions_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "j", 1)
    monkeypatch.setattr(module, "environment", lambda: {"jax": "99"})
    with pytest.raises(CampaignError, match=r"jax is .*, not '99'"):
        Journal(tmp_path / "j", PLAN)


def test_two_campaigns_on_one_journal_are_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", PLAN):
        with pytest.raises(CampaignError, match="j: another campaign is running on this journal"):
            Journal(tmp_path / "j", PLAN)
        program = (
            "import sys; from pathlib import Path\n"
            "from bptt_oracle.campaign.journal import Journal; from bptt_oracle.campaign.plan import Plan\n"
            "Journal(Path(sys.argv[1]), Plan(instances=3000))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "j"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "another campaign is running on this journal" in done.stderr
    assert numbers(tmp_path / "j") == []
