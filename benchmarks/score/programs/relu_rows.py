"""Batches (T, B, d), rows, any depth, ReLU: steps outside, layers inside; sum over the batch."""

import numpy as np


def f(params, x, y, h0):
    T, B = y.shape
    sequences = np.arange(B)
    hidden, out = params[:-1], params[-1]
    # forward
    hs = [list(h0)]  # (4)
    probs = []  # (3)
    loss = 0.0  # (1)
    for t in range(T):  # (3) (4) (5)
        below = x[t]  # (4)
        hs.append([])  # (4)
        for l, p in enumerate(hidden):  # (4) (5)
            z = below @ p["W"] + hs[t][l] @ p["H"] + p["b"]  # (5)
            below = np.maximum(z, 0)  # (4)
            hs[t + 1].append(below)  # (4)
        logits = below @ out["W"] + out["b"]  # (5)
        e = np.exp(logits - np.max(logits, axis=1, keepdims=True))  # (3)
        probs.append(e / e.sum(axis=1, keepdims=True))  # (3)
        loss -= np.log(probs[t][sequences, y[t]]).sum() / T  # (1) (2)
    # backward
    grads = [{key: np.zeros_like(value) for key, value in p.items()} for p in params]  # (44) (45) (46)
    dnext = [np.zeros_like(state) for state in h0]  # (43)
    for t in reversed(range(T)):  # (43)
        dlogits = probs[t].copy()  # (42)
        dlogits[sequences, y[t]] -= 1  # (42)
        dlogits /= T  # (42)
        grads[-1]["W"] += hs[t + 1][-1].T @ dlogits  # (45)
        grads[-1]["b"] += dlogits.sum(axis=0)  # (46)
        dh = dlogits @ out["W"].T  # (43)
        for l in reversed(range(len(hidden))):  # (43)
            dz = (dh + dnext[l]) * (hs[t + 1][l] > 0)  # (43)
            below = hs[t + 1][l - 1] if l > 0 else x[t]  # (45)
            grads[l]["W"] += below.T @ dz  # (45)
            grads[l]["H"] += hs[t][l].T @ dz  # (44)
            grads[l]["b"] += dz.sum(axis=0)  # (46)
            dnext[l] = dz @ hidden[l]["H"].T  # (43)
            dh = dz @ hidden[l]["W"].T  # (43)
    return loss, grads
