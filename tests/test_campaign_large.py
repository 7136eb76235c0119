"""One large network end to end: right within derived bounds, wrong outside them, and in little memory."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from bptt_oracle.campaign.command_line import LARGEST
from bptt_oracle.campaign.large import by_one_pass, check_large
from bptt_oracle.cli import main
from bptt_oracle.instances import Description, DescriptionError
from bptt_oracle.manual import Batch
from bptt_oracle.oracle.answers import Grads

NETWORK = "n=5,T=200,d=32.32.32.32.32.300,seed=7"


def test_the_default_is_four_layers_of_512_1000_steps_and_10000_classes() -> None:
    assert Description.parse(LARGEST) == Description(5, 1000, (512,) * 5 + (10_000,), seed=2016)


def test_a_right_gradient_lies_within_its_bounds_which_say_something() -> None:
    found = check_large(NETWORK)
    assert found.decided
    assert found.outside == ()
    assert 0 < found.share < 1
    assert found.comparisons == 1 + 4 * (32 * 32 * 2 + 32) + 32 * 300 + 300
    assert found.relative < 1 / 2**16


def dropped_at_one_step(net: Batch) -> tuple[float, Grads]:
    """One of the 200 terms of dJ/dH^(1) is missing: that of the last step."""
    loss, grads = by_one_pass(net)
    _, shorter = by_one_pass(net.steps(0, net.T - 1, net.h0))
    grads[0]["H"] = shorter[0]["H"]
    return loss, grads


def off_by_a_millionth(net: Batch) -> tuple[float, Grads]:
    loss, grads = by_one_pass(net)
    W = grads[2]["W"]
    W[np.unravel_index(abs(W).argmax(), W.shape)] *= 1 + 2.0**-20
    return loss, grads


def of_another_loss(net: Batch) -> tuple[float, Grads]:
    loss, grads = by_one_pass(net)
    return loss * net.T, grads


@pytest.mark.parametrize(
    ("gradient", "outside"),
    [(dropped_at_one_step, "dJ/dH^(1)"), (off_by_a_millionth, "dJ/dW^(3)"), (of_another_loss, "J")],
)
def test_a_wrong_gradient_lies_outside(gradient: object, outside: str) -> None:
    found = check_large(NETWORK, gradient)  # type: ignore[arg-type]
    assert found.outside == (outside,)
    assert found.share > 1


@pytest.mark.parametrize("text", ["n=2,T=3,d=2.2.2,f=relu", "n=2,T=3,d=2.2.2,y=soft", "n=2", "512"])
def test_a_network_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(DescriptionError, match=r"^expected "):
        check_large(text)


def test_the_command_says_what_memory_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["campaign", "--large", NETWORK]) == 0
    out = capsys.readouterr().out
    assert "against JAX: within their bounds" in out
    assert re.search(r"^peak memory: \d+\.\d\d GiB$", out, re.MULTILINE)


@pytest.mark.slow
def test_memory_is_that_of_a_few_copies_of_z() -> None:
    network = Description(3, 400, (32, 32, 32, 2000), seed=1)
    program = (
        "import sys; from bptt_oracle.campaign.large import check_large, peak_memory\n"
        "before = check_large(sys.argv[1]) and peak_memory()\n"
        "assert check_large(sys.argv[2]).outside == ()\n"
        "print(peak_memory() - before)\n"
    )
    small = Description(3, 5, (64, 64, 64, 30), seed=1)
    texts = [f"n={d.n},T={d.T},d={'.'.join(map(str, d.d))},seed=1" for d in (small, network)]
    done = subprocess.run([sys.executable, "-c", program, *texts], stdout=subprocess.PIPE, text=True, check=True)
    of_z = network.T * sum(network.d[1:]) * 8
    assert int(done.stdout) < 40 * of_z
