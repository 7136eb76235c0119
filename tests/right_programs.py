"""Right backprops in many forms, and networks to ask them about, on which the bounds of the oracle are tried.

They are written as people write them: sequence by sequence or for a batch, in columns or rows, one pass or one for each
step, with f' of h or of z, in float64 or float32, by JAX.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from strategies import PADDED

from bptt_oracle.instances import SCALES, Description
from bptt_oracle.instances import draw as instance_of
from bptt_oracle.manual import (
    Batch,
    Gradients,
    Network,
    forward_batch,
    network,
    one_pass,
    one_pass_batch,
    per_step_sum,
)
from bptt_oracle.oracle.answers import Grads
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.probes import Plan, Probe
from bptt_oracle.oracle.smoothness import SMOOTHNESS
from bptt_oracle.oracle.truth import batch_of, trajectories
from bptt_oracle.reference import padded, padding

DTYPES: dict[str, Any] = {"float64": np.float64, "float32": np.float32}
ASKED = Conventions(batch="time-first", h0=True)

Answer = tuple[Any, Grads]


def random_probe(seed: int) -> tuple[Probe, Conventions]:
    """A network beyond the plans, of any depth, length, width, size of weights and activation, and a J."""
    rng = np.random.default_rng([seed, 2016])
    n, T, B = int(rng.integers(1, 5)), int(rng.integers(1, 9)), int(rng.integers(1, 4))
    d = tuple(int(width) for width in rng.integers(1, 8, size=n + 1))
    scale, activation = str(rng.choice(list(SCALES))), str(rng.choice(list(SMOOTHNESS)))
    drawn = [
        instance_of(Description(n, T, d, scale=scale, seed=1000 * seed + k, h0=str(rng.choice(["zero", "random"]))))
        for k in range(B)
    ]
    probe = Probe(
        Plan(f"random {seed}", d, T, B),
        seed,
        drawn[0].params,
        np.stack([one.x for one in drawn], axis=1),
        rng.integers(d[-1], size=(T, B)),
        [np.stack([one.h0[l] for one in drawn]) for l in range(n - 1)],
    )
    over_time, over_batch = str(rng.choice(["mean", "sum", "last"])), str(rng.choice(["mean", "sum"]))
    return probe, ASKED.replace(activation=activation, over_time=over_time, over_batch=over_batch)


def sequences(probe: Probe, conventions: Conventions, dtype: Any = np.float64) -> list[Network]:
    """Each sequence as a network of the manual side."""
    params = [{name: array.astype(dtype) for name, array in layer.items()} for layer in probe.params]
    return [
        network(
            params,
            probe.x[:, k].astype(dtype),
            probe.y[:, k],
            [state[k].astype(dtype) for state in probe.h0],
            conventions.functions,
        )
        for k in range(probe.B)
    ]


def steps(net: Network, T: int) -> Network:
    """The network, cut after T steps."""
    return replace(net, x={t: net.x[t] for t in range(1, T + 1)}, y={t: net.y[t] for t in range(1, T + 1)})


def combined(answers: Sequence[Answer], factors: Sequence[Any]) -> Answer:
    """The weighted sum of losses and gradients."""

    def total(arrays: Sequence[Any]) -> Any:
        return sum(array * factor for array, factor in zip(arrays, factors, strict=True))

    loss = total([loss for loss, _ in answers])
    return loss, [
        {name: total([grads[l][name] for _, grads in answers]) for name in layer}
        for l, layer in enumerate(answers[0][1])
    ]


def alone(found: Gradients) -> Answer:
    return found.loss, found.as_params()


def factors_of(probe: Probe, conventions: Conventions, dtype: Any) -> tuple[Any, Any]:
    """What the mean over the steps of one sequence is multiplied by, "last" excepted."""
    over_time = dtype(probe.T if conventions.over_time == "sum" else 1)
    return over_time, dtype(probe.B if conventions.over_batch == "mean" else 1)


def by_sequence(backprop: Callable[[Network], Gradients]) -> Callable[[Probe, Conventions, Any], Answer]:
    """A program that goes over the sequences one by one and adds up."""

    def program(probe: Probe, conventions: Conventions, dtype: Any) -> Answer:
        over_time, B = factors_of(probe, conventions, dtype)
        answers = [alone(backprop(net)) for net in sequences(probe, conventions, dtype)]
        return combined(answers, [over_time / B] * probe.B)

    return program


def batched(probe: Probe, conventions: Conventions, dtype: Any) -> Answer:
    """The one pass over all sequences in any format."""
    net = batch_in(batch_of(probe, conventions), dtype)
    run = forward_batch(net)
    found = one_pass_batch(net, run)
    layers = [({"H": found.H[l]} if l in found.H else {}) | {"W": found.W[l], "b": found.b[l]} for l in sorted(found.W)]
    return run.loss, layers


def batch_in(net: Batch, dtype: Any) -> Batch:
    def rounded(layers: Any) -> Any:
        return {l: array.astype(dtype) for l, array in layers.items()}

    return replace(
        net,
        **{name: rounded(getattr(net, name)) for name in ("H", "W", "b", "h0")},
        **{name: getattr(net, name).astype(dtype) for name in ("x", "y", "weights", "shares")},
    )


def padded_jax(probe: Probe, conventions: Conventions, dtype: Any) -> Answer:
    """What JAX derives, in a padded box; the activation by its name."""
    params = [{name: array.astype(dtype) for name, array in layer.items()} for layer in probe.params]
    cases = [
        padding.Instance(
            str(conventions.activation),
            (0.0,) * 5,
            params,
            probe.x[:, k].astype(dtype),
            probe.targets[:, k].astype(dtype),
            [state[k].astype(dtype) for state in probe.h0],
        )
        for k in range(probe.B)
    ]
    found = padding.unpad(padded.gradients(padding.pad(cases, dtype=dtype, size=PADDED)), cases)
    over_time, B = factors_of(probe, conventions, dtype)
    return combined([(one["J"], one["dJ"]) for one in found], [over_time / B] * probe.B)


@dataclass(frozen=True)
class Style:
    """How somebody writes a backprop by hand, in rows.

    Attributes
    ----------
    slope : f' from h or from z
    shifted : softmax with the largest logit subtracted
    early : errors divided by T and B before they go back, or gradients after
    per_step : a backward pass for the loss of every step, or one for all
    buffer : the type in which h and delta are stored
    log_of_y_hat : the loss as -log y^, or as log sum exp
    """

    slope: str = "h"
    shifted: bool = True
    early: bool = True
    per_step: bool = False
    buffer: Any = None
    log_of_y_hat: bool = True
    by_exp: bool = False


STYLES = {
    "f' of h, early": Style(),
    "f' of z, late": Style(slope="z", early=False),
    "without a shift": Style(shifted=False, early=False, log_of_y_hat=False),
    "per step": Style(per_step=True, early=False),
    "per step, early": Style(per_step=True, slope="z"),
    "buffers of float32": Style(buffer=np.float32),
    "exp alone": Style(by_exp=True),
}


def values_of(activation: str, z: Any, style: Style) -> Any:
    if style.by_exp and activation == "tanh":
        return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
    if activation == "logistic":
        return 1 / (1 + np.exp(-z))
    simple: dict[str, Callable[[Any], Any]] = {"tanh": np.tanh, "sine": np.sin, "identity": lambda z: z}
    simple |= {"relu": lambda z: np.maximum(z, 0), "softplus": lambda z: np.log(1 + np.exp(z))}
    return simple[activation](z)


def slopes_of(activation: str, z: Any, h: Any, style: Style) -> Any:
    one = h.dtype.type(1)
    if style.slope == "h":
        forms: dict[str, Callable[[], Any]] = {
            "tanh": lambda: one - h * h,
            "logistic": lambda: h * (one - h),
            "softplus": lambda: one - np.exp(-h),
        }
    else:
        forms = {
            "tanh": lambda: one / np.cosh(z) ** 2,
            "logistic": lambda: np.exp(-z) / (one + np.exp(-z)) ** 2,
            "softplus": lambda: one / (one + np.exp(-z)),
        }
    forms |= {"sine": lambda: np.cos(z), "relu": lambda: (z > 0).astype(z.dtype), "identity": lambda: np.ones_like(z)}
    return forms[activation]()


Wrong = Callable[[str, Any], Any]
"""What a mistake makes of a value by its name: "carry" (H), "from above" (W), "error" (y^ - y), "h before"."""


def by_hand(
    probe: Probe, conventions: Conventions, dtype: Any, style: Style, wrong: Wrong = lambda name, value: value
) -> Answer:
    """A backprop in rows, h = f(h H^T + x W^T + b), a batch at a time, in one of the usual styles."""
    n, T, B, name = probe.n, probe.T, probe.B, str(conventions.activation)
    buffer = dtype if style.buffer is None else style.buffer
    params = [{key: np.ascontiguousarray(array.T, dtype) for key, array in layer.items()} for layer in probe.params]
    weights = batch_of(probe, conventions).weights
    share = dtype(1 / B if conventions.over_batch == "mean" else 1)
    h = [[state.astype(dtype)] for state in probe.h0]
    z: list[list[Any]] = [[] for _ in range(n)]
    errors, loss = [], dtype(0)
    for t in range(T):
        below = probe.x[t].astype(dtype)
        for l in range(n - 1):
            z[l].append(h[l][-1] @ params[l]["H"] + below @ params[l]["W"] + params[l]["b"])
            h[l].append(values_of(name, z[l][-1], style).astype(buffer).astype(dtype))
            below = h[l][-1]
        logits = below @ params[-1]["W"] + params[-1]["b"]
        shift = logits.max(axis=1, keepdims=True) if style.shifted else dtype(0)
        e = np.exp(logits - shift)
        total = e.sum(axis=1, keepdims=True)
        y_hat = e / total
        rows, classes = np.arange(B), probe.y[t]
        log_y_hat = np.log(y_hat) if style.log_of_y_hat else logits - (np.log(total) + shift)
        if weights[t]:
            loss = loss - dtype(weights[t]) * log_y_hat[rows, classes].sum() * share
        error = y_hat.copy()
        error[rows, classes] -= 1
        errors.append(wrong("error", error) * (dtype(weights[t]) * share if style.early else dtype(weights[t] != 0)))
    grads: Grads = [{key: np.zeros_like(array) for key, array in layer.items()} for layer in params]
    for sources in [[t] for t in range(T)] if style.per_step else [list(range(T))]:
        carried = [np.zeros_like(state[0]) for state in h]
        for t in range(max(sources), -1, -1):
            delta = errors[t] if t in sources else np.zeros_like(errors[t])
            for l in range(n - 1, -1, -1):
                if l < n - 1:
                    arriving = wrong("from above", params[l + 1]["W"]) @ delta.T
                    slope = slopes_of(name, z[l][t], h[l][t + 1], style)
                    delta = ((arriving.T + carried[l]) * slope).astype(buffer).astype(dtype)
                    carried[l] = delta @ wrong("carry", params[l]["H"]).T
                    grads[l]["H"] += wrong("h before", h[l][t]).T @ delta
                grads[l]["W"] += (h[l - 1][t + 1] if l else probe.x[t].astype(dtype)).T @ delta
                grads[l]["b"] += delta.sum(axis=0)
    late = dtype(1) if style.early else dtype(max(weights)) * share
    return loss, [{key: (array * late).T for key, array in layer.items()} for layer in grads]


def styled(style: Style) -> Callable[[Probe, Conventions, Any], Answer]:
    return lambda probe, conventions, dtype: by_hand(probe, conventions, dtype, style)


PROGRAMS: dict[str, Callable[[Probe, Conventions, Any], Answer]] = {
    "one pass": by_sequence(one_pass),
    "sum of the steps": by_sequence(per_step_sum),
    "batch": batched,
    "padded JAX": padded_jax,
    **{name: styled(style) for name, style in STYLES.items()},
}

MEAN_OR_SUM = ("one pass", "sum of the steps", "padded JAX")


def precision_of(name: str, precision: str) -> str:
    """A program with buffers of float32 is no more exact than that."""
    return "float32" if name == "buffers of float32" else precision


def may_overflow(name: str, probe: Probe, conventions: Conventions, precision: str) -> bool:
    """Whether a program takes the exponential of what is too large for its format."""
    run, most = trajectories(probe, conventions), np.log(np.finfo(DTYPES[precision]).max) / 2
    logits = abs(run.z[probe.n]).max() > most and name == "without a shift"
    return logits or any(abs(run.z[l]).max() > most / 2 for l in range(1, probe.n) if name in STYLES)
