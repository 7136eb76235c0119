"""Backprops as people write them: right ones of every convention, and a textbook one that can be made wrong.

None of them shares code with what it is held against.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from bptt_oracle.oracle.conventions import Conventions

Backprop = Callable[..., Any]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


ACTIVATION: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "logistic": (sigmoid, lambda h: h * (1 - h)),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(h.dtype)),
    "softplus": (lambda z: np.logaddexp(0, z), lambda h: 1 - np.exp(-h)),
    "identity": (lambda z: z, lambda h: np.ones_like(h)),
}
"""f, and f' in terms of h = f(z), as most people have it."""


def implementation(c: Conventions, *, algorithm: str = "one-pass", has_loss: bool = True) -> Backprop:
    """A right backprop of these conventions; "float32" has every buffer inside in that precision.

    Parameters
    ----------
    c
        The conventions; f is one of `ACTIVATION`.
    algorithm
        "one-pass", or "per-step": the gradients of every J^(i), added up.
    has_loss
        Whether it returns (loss, grads), or grads alone.
    """
    assert isinstance(c.activation, str)
    f, slope = ACTIVATION[c.activation]
    rows, dtype = c.layout == "rows", np.dtype(c.precision)

    def backprop(params: Any, x: Any, y: Any, h0: Any = None) -> Any:
        layers = [{name: np.asarray(array, dtype) for name, array in layer.items()} for layer in params]
        x, y = np.asarray(x, dtype), np.asarray(y)
        if c.batch == "none":
            x, y = x[:, None], y[:, None]
        if c.batch == "batch-first":
            x, y = x.swapaxes(0, 1), y.swapaxes(0, 1)
        if c.targets == "classes":
            classes = layers[-1]["b"].shape[0]
            y = np.eye(classes)[y]
        y = y.astype(dtype)
        T, B = x.shape[:2]
        W = [layer["W"].T if rows else layer["W"] for layer in layers]
        H = [layer["H"].T if rows else layer["H"] for layer in layers[:-1]]
        b = [layer["b_ih"] + layer["b_hh"] if "b_ih" in layer else layer["b"] for layer in layers]
        hidden = len(H)

        # forward: h[l][t + 1] is the state of layer l after step t, h[l][0] the one it starts from
        h = [np.zeros((T + 1, B, len(H[l])), dtype) for l in range(hidden)]
        if h0 is not None:
            for l in range(hidden):
                h[l][0] = h0[l]
        p = np.zeros((T, B, len(b[-1])), dtype)
        for t in range(T):
            below = x[t]
            for l in range(hidden):
                h[l][t + 1] = f(below @ W[l].T + h[l][t] @ H[l].T + b[l])
                below = h[l][t + 1]
            z = below @ W[-1].T + b[-1]
            e = np.exp(z - z.max(axis=1, keepdims=True))
            p[t] = e / e.sum(axis=1, keepdims=True)

        share = np.ones(T, dtype)
        if c.over_time == "mean":
            share = share / T
        if c.over_time == "last":
            share[:-1] = 0
        if c.over_batch == "mean":
            share = share / B
        share = share.astype(dtype)
        with np.errstate(divide="ignore", invalid="ignore"):  # in float32, p may underflow
            losses = -np.log((p * y).sum(axis=-1)).sum(axis=1)
            loss = (share * losses)[share > 0].sum()

        dW, dH, db = [np.zeros_like(a) for a in W], [np.zeros_like(a) for a in H], [np.zeros_like(a) for a in b]

        def back(error: Any, last: int) -> None:
            """Go back from step `last`, with the error of the output at every step."""
            arriving = [np.zeros((B, len(H[l])), dtype) for l in range(hidden)]
            for t in range(last, -1, -1):
                dW[-1] += error[t].T @ h[-1][t + 1]
                db[-1] += error[t].sum(axis=0)
                down = error[t] @ W[-1]
                for l in range(hidden - 1, -1, -1):
                    dz = slope(h[l][t + 1]) * (down + arriving[l])
                    dH[l] += dz.T @ h[l][t]
                    dW[l] += dz.T @ (h[l - 1][t + 1] if l > 0 else x[t])
                    db[l] += dz.sum(axis=0)
                    arriving[l] = dz @ H[l]
                    down = dz @ W[l]

        error = (p - y) * share[:, None, None]
        if algorithm == "one-pass":
            back(error, T - 1)
        else:
            for i in range(T):
                alone = np.zeros_like(error)
                alone[i] = error[i]
                back(alone, i)

        grads = []
        for l in range(hidden + 1):
            grad = {"W": dW[l].T if rows else dW[l]}
            if l < hidden:
                grad["H"] = dH[l].T if rows else dH[l]
            if c.biases == 2 and l < hidden:
                grad |= {"b_ih": db[l], "b_hh": db[l].copy()}
            else:
                grad["b"] = db[l]
            grads.append(grad)
        return (float(loss), grads) if has_loss else grads

    if c.h0:
        return backprop
    return lambda params, x, y: backprop(params, x, y)


CHOICES: dict[str, tuple[Any, ...]] = {
    "layout": ("columns", "rows"),
    "batch": ("none", "time-first", "batch-first"),
    "biases": (1, 2),
    "over_time": ("mean", "sum", "last"),
    "over_batch": ("mean", "sum"),
    "activation": tuple(ACTIVATION),
    "targets": ("classes", "rows"),
    "h0": (False, True),
    "precision": ("float64", "float32"),
}


def random_right(rng: np.random.Generator) -> tuple[Conventions, Backprop]:
    """A right backprop of random conventions, with them."""
    drawn = {name: choices[rng.integers(len(choices))] for name, choices in CHOICES.items()}
    if drawn["batch"] == "none":
        drawn["over_batch"] = "mean"
    conventions = Conventions(**drawn)
    algorithm, has_loss = list(product(("one-pass", "per-step"), (True, False)))[rng.integers(4)]
    return conventions, implementation(conventions, algorithm=algorithm, has_loss=has_loss)


def changed(f: Backprop, change: Callable[[Any, Any, Any, Any, Any], Any]) -> Backprop:
    """A backprop whose answer, and whose arguments, are changed by `change(params, x, y, loss, grads)`."""

    def other(params: Any, x: Any, y: Any) -> Any:
        loss, grads = f(params, x, y)
        got = change(params, x, y, loss, grads)
        return (loss, grads) if got is None else got

    return other


TEXTBOOK = '''
def backprop(params, x, y):
    """One hidden layer, one sequence, columns; J is the mean over t."""
    H, W, b = params[0]["H"], params[0]["W"], params[0]["b"]
    V, c = params[1]["W"], params[1]["b"]
    T = len(x)
    h = {-1: np.zeros(len(b))}
    p = {}
    loss = 0.0
    for t in range(T):
        h[t] = np.tanh(W @ x[t] + H @ h[t - 1] + b)
        z = V @ h[t] + c
        e = np.exp(z - z.max())
        p[t] = e / e.sum()
        loss += -np.log(p[t][y[t]]) / T
    dH, dW, db = np.zeros_like(H), np.zeros_like(W), np.zeros_like(b)
    dV, dc = np.zeros_like(V), np.zeros_like(c)
    dz_next = np.zeros(len(b))
    for t in reversed(range(T)):
        dy = p[t].copy()
        dy[y[t]] -= 1
        dy /= T
        dV += np.outer(dy, h[t])
        dc += dy
        dh = V.T @ dy + H.T @ dz_next
        dz = (1 - h[t] ** 2) * dh
        dH += np.outer(dz, h[t - 1])
        dW += np.outer(dz, x[t])
        db += dz
        dz_next = dz
    return loss, [{"H": dH, "W": dW, "b": db}, {"W": dV, "b": dc}]
'''


def textbook(*changes: tuple[str, str], **names: Any) -> Backprop:
    """The textbook backprop, with each text, which must stand in it once, replaced by another."""
    source = TEXTBOOK
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    namespace: dict[str, Any] = {"np": np, **names}
    exec(compile(source, "textbook.py", "exec"), namespace)
    backprop: Backprop = namespace["backprop"]
    return backprop


WRONG: dict[str, tuple[tuple[str, str], ...]] = {
    "H is not transposed": (("H.T @ dz_next", "H @ dz_next"),),
    "f' is left out": (("(1 - h[t] ** 2) * dh", "dh"),),
    "f' is taken of h": (("(1 - h[t] ** 2)", "(1 - np.tanh(h[t]) ** 2)"),),
    "f' is applied before the future is added": (
        ("V.T @ dy + H.T @ dz_next", "V.T @ dy"),
        ("(1 - h[t] ** 2) * dh", "(1 - h[t] ** 2) * dh + H.T @ dz_next"),
    ),
    "nothing comes back through time": ((" + H.T @ dz_next", ""),),
    "H meets h(t)": (("np.outer(dz, h[t - 1])", "np.outer(dz, h[t])"),),
    "dH is that of the last visit": (("dH += ", "dH = "),),
    "db is that of the last visit": (("db += dz", "db = dz"),),
    "dW is transposed where it can be": (("dH += np.outer(dz, h[t - 1])", "dH += np.outer(h[t - 1], dz)"),),
    "the gradient is of the sum, the loss the mean": (("        dy /= T\n", ""),),
    "the sign": (("dy[y[t]] -= 1", "dy[y[t]] -= 1\n        dy = -dy"),),
    "truncated after four steps": (("dz_next = dz", "dz_next = dz if t % 5 else 0 * dz"),),
    "clipped": (("dz_next = dz", "dz_next = np.clip(dz, -0.1, 0.1)"),),
    "clipped at the end": (("    return loss", "    dH = np.clip(dH, -1, 1)\n    return loss"),),
    "the first step is left out": (("reversed(range(T))", "range(T - 1, 0, -1)"),),
    "an error of a thousandth": (("dW += np.outer(dz, x[t])", "dW += np.outer(dz, x[t]) * 1.001"),),
    "the loss is another one": (("loss += -np.log(p[t][y[t]]) / T", "loss += (1 - p[t][y[t]]) / T"),),
}
"""Changes that make the textbook backprop wrong."""
