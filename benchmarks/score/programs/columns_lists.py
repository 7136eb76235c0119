"""Columns, one sequence, any depth: what each step leaves behind is kept in lists."""

import numpy as np


def f(params, x, y, h0):
    n, T = len(params), len(x)
    # forward
    zs, hs, ps = [], [list(h0)], []  # (4)
    loss = 0.0  # (1)
    for t in range(T):  # (3) (4) (5)
        below = x[t]  # (4)
        z, h = [], []  # (5)
        for l in range(n - 1):  # (4) (5)
            z.append(params[l]["H"] @ hs[t][l] + params[l]["W"] @ below + params[l]["b"])  # (5)
            h.append(np.tanh(z[l]))  # (4)
            below = h[l]  # (4)
        scores = params[n - 1]["W"] @ below + params[n - 1]["b"]  # (5)
        e = np.exp(scores - np.max(scores))  # (3)
        p = e / e.sum()  # (3)
        loss += -np.log(p[y[t]]) / T  # (1) (2)
        zs.append(z)  # (5)
        hs.append(h)  # (4)
        ps.append(p)  # (3)
    # backward
    grads = [{key: np.zeros_like(value) for key, value in layer.items()} for layer in params]  # (44) (45) (46)
    dz_next = [np.zeros_like(state) for state in h0]  # (43)
    for t in reversed(range(T)):  # (43)
        dz = ps[t].copy()  # (42)
        dz[y[t]] -= 1  # (42)
        dz = dz / T  # (42)
        grads[n - 1]["W"] += np.outer(dz, hs[t + 1][n - 2])  # (45)
        grads[n - 1]["b"] += dz  # (46)
        for l in reversed(range(n - 1)):  # (43)
            dh = params[l + 1]["W"].T @ dz + params[l]["H"].T @ dz_next[l]  # (43)
            dz = (1 - np.tanh(zs[t][l]) ** 2) * dh  # (43)
            below = hs[t + 1][l - 1] if l > 0 else x[t]  # (45)
            grads[l]["H"] += np.outer(dz, hs[t][l])  # (44)
            grads[l]["W"] += np.outer(dz, below)  # (45)
            grads[l]["b"] += dz  # (46)
            dz_next[l] = dz  # (43)
    return loss, grads
