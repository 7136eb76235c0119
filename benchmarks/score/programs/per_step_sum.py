"""Columns, one sequence, any depth: every J^(i) is backpropagated on its own, and the gradients are averaged."""

import numpy as np


def forward(params, x, h0):
    # forward
    h = {}  # (4)
    for l, state in enumerate(h0, start=1):  # (4)
        h[l, 0] = state  # (4)
    y_hat = {}  # (3)
    for t, x_t in enumerate(x, start=1):  # (3) (4) (5)
        h[0, t] = x_t  # (4)
        for l, p in enumerate(params[:-1], start=1):  # (4) (5)
            h[l, t] = np.tanh(p["H"] @ h[l, t - 1] + p["W"] @ h[l - 1, t] + p["b"])  # (4) (5)
        s = params[-1]["W"] @ h[len(params) - 1, t] + params[-1]["b"]  # (5)
        e = np.exp(s - np.max(s))  # (3)
        y_hat[t] = e / np.sum(e)  # (3)
    return h, y_hat


def gradients_of_step(params, h, y_hat, y, i):
    # backward
    n = len(params)  # (26)
    delta = {}  # (26)
    delta[n, i] = y_hat[i] - np.eye(len(y_hat[i]))[y[i - 1]]  # (26)
    for l in range(n - 1, 0, -1):  # (27) (28) (29) (30)
        for k in range(i, 0, -1):  # (27) (28) (29) (30)
            total = np.zeros_like(h[l, k])  # (27) (29)
            if (l + 1, k) in delta:  # (27) (29)
                total = total + params[l]["W"].T @ delta[l + 1, k]  # (27) (29) (30)
            if k < i:  # (28) (30)
                total = total + params[l - 1]["H"].T @ delta[l, k + 1]  # (28) (30)
            delta[l, k] = (1 - h[l, k] ** 2) * total  # (27) (28) (29) (30)
    grads = [{"W": np.outer(delta[n, i], h[n - 1, i]), "b": delta[n, i]}]  # (32) (34)
    for l in range(n - 1, 0, -1):  # (31) (33) (35)
        dH = sum(np.outer(delta[l, k], h[l, k - 1]) for k in range(1, i + 1))  # (31)
        dW = sum(np.outer(delta[l, k], h[l - 1, k]) for k in range(1, i + 1))  # (33)
        db = sum(delta[l, k] for k in range(1, i + 1))  # (35)
        grads.insert(0, {"H": dH, "W": dW, "b": db})  # (31) (33) (35)
    return grads


def f(params, x, y, h0):
    T = len(x)
    h, y_hat = forward(params, x, h0)
    # forward
    loss = sum(-np.log(y_hat[t][y[t - 1]]) for t in range(1, T + 1)) / T  # (1) (2)
    # backward
    total = [{key: np.zeros_like(value) for key, value in p.items()} for p in params]  # (44) (45) (46)
    for i in range(1, T + 1):  # (42) (44) (45) (46)
        of_step = gradients_of_step(params, h, y_hat, y, i)  # (42) (44) (45) (46)
        for summed, grad in zip(total, of_step, strict=True):  # (42) (44) (45) (46)
            for key in summed:  # (42) (44) (45) (46)
                summed[key] += grad[key] / T  # (42) (44) (45) (46)
    return loss, total
