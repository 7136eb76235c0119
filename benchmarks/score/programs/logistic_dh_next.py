"""Columns, one sequence, any depth, the logistic function: arrays over t for each layer, and a list dh_next."""

import numpy as np


def sigmoid(z):
    # forward
    return 1 / (1 + np.exp(-z))  # (4)


def f(params, x, y, h0):
    T, depth = len(x), len(params) - 1
    V, c = params[-1]["W"], params[-1]["b"]
    # forward
    h = [np.zeros((T + 1, len(p["b"]))) for p in params[:-1]]  # (4)
    o = np.zeros((T, len(c)))  # (3)
    for l in range(depth):  # (4)
        h[l][0] = h0[l]  # (4)
    for t in range(T):  # (3) (4) (5)
        a = x[t]  # (4)
        for l in range(depth):  # (4) (5)
            a = sigmoid(params[l]["W"].dot(a) + params[l]["H"].dot(h[l][t]) + params[l]["b"])  # (4) (5)
            h[l][t + 1] = a  # (4)
        e = np.exp(V.dot(a) + c)  # (3) (5)
        o[t] = e / e.sum()  # (3)
    loss = -np.log(o[np.arange(T), y]).sum() / T  # (1) (2)
    # backward
    dV, dc = np.zeros_like(V), np.zeros_like(c)  # (45) (46)
    dH = [np.zeros_like(p["H"]) for p in params[:-1]]  # (44)
    dW = [np.zeros_like(p["W"]) for p in params[:-1]]  # (45)
    db = [np.zeros_like(p["b"]) for p in params[:-1]]  # (46)
    dh_next = [np.zeros_like(p["b"]) for p in params[:-1]]  # (43)
    for t in range(T)[::-1]:  # (43)
        do = o[t].copy()  # (42)
        do[y[t]] -= 1.0  # (42)
        do /= T  # (42)
        dV += do[:, None] * h[-1][t + 1][None, :]  # (45)
        dc += do  # (46)
        da = V.T.dot(do)  # (43)
        for l in range(depth)[::-1]:  # (43)
            s = h[l][t + 1]  # (43)
            dz = (da + dh_next[l]) * s * (1.0 - s)  # (43)
            below = x[t] if l == 0 else h[l - 1][t + 1]  # (45)
            dW[l] += dz[:, None] * below[None, :]  # (45)
            dH[l] += dz[:, None] * h[l][t][None, :]  # (44)
            db[l] += dz  # (46)
            dh_next[l] = params[l]["H"].T.dot(dz)  # (43)
            da = params[l]["W"].T.dot(dz)  # (43)
    grads = [{"H": dH[l], "W": dW[l], "b": db[l]} for l in range(depth)]  # (44) (45) (46)
    return loss, [*grads, {"W": dV, "b": dc}]
