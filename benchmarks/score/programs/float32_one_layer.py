"""Columns, one sequence, exactly one hidden layer, float32 throughout: U, W, V in the letters of a tutorial."""

import numpy as np


def f(params, x, y):
    U, W, b = params[0]["W"].astype(np.float32), params[0]["H"].astype(np.float32), params[0]["b"].astype(np.float32)
    V, c = params[1]["W"].astype(np.float32), params[1]["b"].astype(np.float32)
    x = x.astype(np.float32)
    T = len(x)
    # forward
    s = np.zeros((T + 1, len(b)), dtype=np.float32)  # (4)
    o = np.zeros((T, len(c)), dtype=np.float32)  # (3)
    for t in range(T):  # (3) (4) (5)
        s[t] = np.tanh(U @ x[t] + W @ s[t - 1] + b)  # (4) (5)
        scores = V @ s[t] + c  # (5)
        e = np.exp(scores - np.max(scores))  # (3)
        o[t] = e / e.sum()  # (3)
    loss = -np.sum(np.log(o[np.arange(T), y])) / T  # (1) (2)
    # backward
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)  # (44) (45)
    db, dc = np.zeros_like(b), np.zeros_like(c)  # (46)
    delta_o = o.copy()  # (42)
    delta_o[np.arange(T), y] -= 1  # (42)
    delta_o /= T  # (42)
    for t in np.arange(T)[::-1]:  # (43)
        dV += np.outer(delta_o[t], s[t])  # (45)
        dc += delta_o[t]  # (46)
        delta_t = V.T @ delta_o[t] * (1 - s[t] ** 2)  # (43)
        for step in np.arange(0, t + 1)[::-1]:  # (43)
            dW += np.outer(delta_t, s[step - 1])  # (44)
            dU += np.outer(delta_t, x[step])  # (45)
            db += delta_t  # (46)
            delta_t = W.T @ delta_t * (1 - s[step - 1] ** 2)  # (43)
    return loss, [{"W": dU, "H": dW, "b": db}, {"W": dV, "b": dc}]
