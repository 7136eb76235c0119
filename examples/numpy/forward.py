"""The same as right.py, with a mistake in it, in the forward pass."""

import numpy as np


def softmax(z):
    """Probabilities from logits."""
    e = np.exp(z - z.max())
    return e / e.sum()


def backprop(params, x, y, h0=None):
    """Loss and gradients. Layers count from 0 here, and h[l][t] is the state before step t."""
    *hidden, output = params
    T = len(x)
    h = [[np.zeros(len(layer["b"]))] for layer in hidden] if h0 is None else [[state] for state in h0]

    loss, errors = 0, []
    for t in range(T):
        below = x[t]
        for l, layer in enumerate(hidden):
            below = np.tanh(layer["H"] @ h[l][0] + layer["W"] @ below + layer["b"])
            h[l].append(below)
        y_hat = softmax(output["W"] @ below + output["b"])
        loss -= np.log(y_hat[y[t]]) / T
        y_hat[y[t]] -= 1
        errors.append(y_hat / T)

    grads = [{name: np.zeros_like(array) for name, array in layer.items()} for layer in params]
    carried = [np.zeros(len(layer["b"])) for layer in hidden]
    for t in reversed(range(T)):
        delta = errors[t]
        grads[-1]["W"] += np.outer(delta, h[-1][t + 1])
        grads[-1]["b"] += delta
        arriving = output["W"].T @ delta
        for l in reversed(range(len(hidden))):
            delta = (1 - h[l][t + 1] ** 2) * (arriving + carried[l])
            grads[l]["H"] += np.outer(delta, h[l][t])
            grads[l]["W"] += np.outer(delta, h[l - 1][t + 1] if l > 0 else x[t])
            grads[l]["b"] += delta
            carried[l] = hidden[l]["H"].T @ delta
            arriving = hidden[l]["W"].T @ delta
    return loss, grads
