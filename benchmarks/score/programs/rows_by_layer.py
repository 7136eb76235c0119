"""Rows, one sequence, any depth: a whole layer over all times before the next one."""

import numpy as np


def f(params, x, y):
    T = len(x)
    steps = np.arange(T)
    # forward
    below, caches = x, []  # (4)
    for p in params[:-1]:  # (4) (5)
        h = np.zeros((T + 1, p["H"].shape[0]))  # (4)
        for t in range(T):  # (4) (5)
            h[t + 1] = np.tanh(h[t] @ p["H"] + below[t] @ p["W"] + p["b"])  # (4) (5)
        caches.append((below, h))  # (4)
        below = h[1:]  # (4)
    scores = below @ params[-1]["W"] + params[-1]["b"]  # (5)
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))  # (3)
    probs = e / e.sum(axis=1, keepdims=True)  # (3)
    loss = -np.log(probs[steps, y]).mean()  # (1) (2)
    # backward
    d_scores = probs.copy()  # (42)
    d_scores[steps, y] -= 1  # (42)
    d_scores /= T  # (42)
    grads = [{"W": below.T @ d_scores, "b": d_scores.sum(axis=0)}]  # (45) (46)
    dh = d_scores @ params[-1]["W"].T  # (43)
    for p, (below, h) in zip(reversed(params[:-1]), reversed(caches), strict=True):  # (43)
        dz = np.zeros_like(dh)  # (43)
        carry = np.zeros(len(p["H"]))  # (43)
        for t in range(T - 1, -1, -1):  # (43)
            dz[t] = (dh[t] + carry) * (1 - h[t + 1] ** 2)  # (43)
            carry = dz[t] @ p["H"].T  # (43)
        dH = h[:-1].T @ dz  # (44)
        dW = below.T @ dz  # (45)
        db = dz.sum(axis=0)  # (46)
        grads.insert(0, {"H": dH, "W": dW, "b": db})  # (44) (45) (46)
        dh = dz @ p["W"].T  # (43)
    return loss, grads
