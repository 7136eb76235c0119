"""A torch `nn.RNN` with an `nn.Linear` on top: checked as it stands, or made a backprop for `bptt_oracle.check`.

    import bptt_oracle.torch

    print(bptt_oracle.torch.check(model.rnn, model.linear))

This module alone needs PyTorch; nothing else of the project imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .oracle.as_it_stands import SEQUENCES, SUMMED, Asking, UncheckableError, examine
from .oracle.calling import TIME_LIMIT
from .oracle.conventions import ConventionError
from .oracle.findings import listed
from .oracle.probes import Array
from .oracle.refusals import Refusal
from .oracle.result import Result
from .oracle.torch_model import Loss, Model, named_loss, stack_like
from .oracle.verdict import SOURCES, GradientError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["UncheckableError", "as_backprop", "assert_correct", "check"]

Build = Callable[[tuple[int, ...]], tuple[Any, Any]]


def check(
    rnn: nn.RNN,
    linear: nn.Linear,
    *,
    loss: str | Loss = "mean",
    truth: str = "manual",
    seed: int = 2016,
    time_limit: float = TIME_LIMIT,
    diagnose: bool = True,
    name: str | None = None,
) -> Result:
    """Whether the gradients that autograd gives for a model, as it stands, are right.

    The model is asked with its own parameters, at its own widths, on its own device, about sequences that are drawn. So
    what its class, its hooks and its own `autograd.Function`s do is part of the question. It is left as it was.

    Parameters
    ----------
    rnn
        An `nn.RNN`, or an instance of a subclass: of any number of layers, tanh or relu, batch first or not, with or
        without biases, float64 or float32; not bidirectional.
    linear
        The output layer, `nn.Linear(rnn.hidden_size, |V|)`, whose logits go into the loss.
    loss
        What J is: "mean" or "sum", over the steps and the batch, of the cross-entropies; "last", their mean over the
        batch at the last step; or a function loss(logits, y), both in the order of the model's batches. What a
        function sums and averages is found out.
    truth, seed, time_limit, diagnose, name
        As in `bptt_oracle.check`.

    Raises
    ------
    UncheckableError
        For a model of another kind, or one that is too large.
    ConventionError
        For a loss, a truth, a seed or a time limit that does not exist.
    """
    _expect(truth in SOURCES, f"truth: expected {' or '.join(SOURCES)}, but got {truth!r}")
    _expect(seed >= 0, f"seed: expected at least 0, but got {seed}")
    _expect(time_limit > 0, f"time_limit: expected more than 0 seconds, but got {time_limit}")
    model = Model([rnn], linear)
    standing = model.standing()
    with model.left_as_it_was() as changed:

        def asking(loss: str | Loss, sequences: Sequence[tuple[str, int, int, bool]]) -> Asking:
            of_logits = named_loss(loss, batch_first=rnn.batch_first)

            def f(params: Sequence[dict[str, Array]], x: Array, y: Array, h0: Sequence[Array]) -> Any:
                standing.expect_own(params)
                answer = model.gradients(of_logits, x, y, h0)
                if names := changed():
                    raise Refusal("parameters-changed", listed(names))
                return answer

            conventions = model.conventions(loss if isinstance(loss, str) else "mean")
            return Asking(f, conventions, sequences, is_known=isinstance(loss, str))

        askings = [asking(loss, SEQUENCES), *([asking("sum", SUMMED)] if isinstance(loss, str) else [])]
        return examine(
            standing,
            askings,
            truth=truth,
            seed=seed,
            time_limit=time_limit,
            diagnose=diagnose,
            name=name or f"{type(rnn).__name__} and {type(linear).__name__}",
            again=f"bptt_oracle.torch.check(rnn, linear{_shown(loss)}, seed={seed})",
        )


def assert_correct(rnn: nn.RNN, linear: nn.Linear, **options: Any) -> None:
    """Raise `GradientError`, with the whole verdict as its text, unless `check` finds the model right."""
    __tracebackhide__ = True
    result = check(rnn, linear, **options)
    if not result.ok:
        raise GradientError(result)


def as_backprop(
    rnn: nn.RNN, linear: nn.Linear, *, loss: str | Loss = "mean", build: Build | None = None
) -> Callable[..., Any]:
    """An f(params, x, y, h0=[...]) for `bptt_oracle.check`: it is asked about the oracle's networks, of other widths.

    Every network is loaded into modules made for it, never into those given. An `nn.RNN` whose widths all have to be
    equal can hold few of the oracle's networks; the others go into a stack of several, one for each layer.

    Parameters
    ----------
    rnn, linear
        The model, whose options the modules get: the nonlinearity, batch first or not, type and device. Hooks and
        parameters are not carried over; that is what `check` of this module is for.
    loss
        As in `check`.
    build
        build(d) makes the modules for widths d_0 to d_n: (rnn, linear), or a list of several to be stacked in the place
        of the first. It is needed where the class is not `nn.RNN` itself.

    Raises
    ------
    UncheckableError
        For a model of another kind, or one without biases, which the oracle's networks have.
    """
    if not Model([rnn], linear).has_biases:
        raise UncheckableError(
            "expected biases, which the oracle's networks have, but got bias=False; check(rnn, linear) takes the model "
            "as it stands"
        )
    of_logits, make = named_loss(loss, batch_first=rnn.batch_first), build or stack_like(rnn, linear)

    def backprop(
        params: Sequence[Mapping[str, Array]], x: Array, y: Array, h0: Sequence[Array] | None = None
    ) -> tuple[float, list[dict[str, Array]]]:
        """Load the parameters into new modules, and ask autograd."""
        if np.ndim(x) != 3 or "b_ih" not in params[0]:
            raise ValueError("an nn.RNN takes a batch, and has two biases: x of rank 3, b_ih and b_hh")
        rnns, output = make((params[0]["W"].shape[1], *(layer["W"].shape[0] for layer in params)))
        loaded = Model(rnns if isinstance(rnns, list | tuple) else [rnns], output)
        loaded.load(params)
        return loaded.gradients(of_logits, x, y, h0)

    return backprop


def _shown(loss: str | Loss) -> str:
    if isinstance(loss, str):
        return f", loss={loss!r}" if loss != "mean" else ""
    return ", loss=..."


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise ConventionError(message)
