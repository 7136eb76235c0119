"""Batches (T, B, d), columns, any depth: arrays over all times, and einsum for the gradients of weights."""

import numpy as np


def softmax(scores):
    # forward
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))  # (3)
    return e / np.sum(e, axis=-1, keepdims=True)  # (3)


def f(params, x, y, h0):
    T, B, _ = x.shape
    n = len(params)
    times, sequences = np.meshgrid(np.arange(T), np.arange(B), indexing="ij")
    # forward
    h = [x]  # (4)
    z = []  # (5)
    for l in range(n - 1):  # (4) (5)
        W, H, b = params[l]["W"], params[l]["H"], params[l]["b"]  # (5)
        z.append(h[l] @ W.T + b)  # (5)
        h.append(np.zeros((T, B, len(b))))  # (4)
        before = h0[l]  # (4)
        for t in range(T):  # (4) (5)
            z[l][t] += before @ H.T  # (5)
            h[l + 1][t] = np.tanh(z[l][t])  # (4)
            before = h[l + 1][t]  # (4)
    y_hat = softmax(h[n - 1] @ params[n - 1]["W"].T + params[n - 1]["b"])  # (3) (5)
    loss = -np.sum(np.log(y_hat[times, sequences, y])) / (T * B)  # (1) (2)
    # backward
    delta = y_hat.copy()  # (42)
    delta[times, sequences, y] -= 1  # (42)
    delta /= T * B  # (42)
    dW = np.einsum("tbi,tbj->ij", delta, h[n - 1])  # (45)
    grads = [{"W": dW, "b": delta.sum(axis=(0, 1))}]  # (45) (46)
    above = delta @ params[n - 1]["W"]  # (43)
    for l in reversed(range(n - 1)):  # (43)
        W, H = params[l]["W"], params[l]["H"]  # (43)
        slope = 1 - np.tanh(z[l]) ** 2  # (43)
        delta = np.zeros_like(above)  # (43)
        future = np.zeros_like(above[0])  # (43)
        for t in reversed(range(T)):  # (43)
            delta[t] = slope[t] * (above[t] + future)  # (43)
            future = delta[t] @ H  # (43)
        before = np.concatenate([h0[l][None], h[l + 1][:-1]])  # (44)
        dH = np.einsum("tbi,tbj->ij", delta, before)  # (44)
        dW = np.einsum("tbi,tbj->ij", delta, h[l])  # (45)
        db = delta.sum(axis=(0, 1))  # (46)
        grads = [{"H": dH, "W": dW, "b": db}, *grads]  # (44) (45) (46)
        above = delta @ W  # (43)
    return loss, grads
