"""Batches (B, T, d) and two biases, as torch has them: z = W_ih x + b_ih + W_hh h + b_hh, any depth, sum over t."""

import numpy as np


def f(params, x, y, h0):
    B, T, _ = x.shape
    rows = np.arange(B)
    # forward
    states = []  # (4)
    layer_input = x  # (4)
    for layer, h_t in zip(params[:-1], h0, strict=True):  # (4) (5)
        h = np.zeros((B, T + 1, h_t.shape[1]))  # (4)
        h[:, 0] = h_t  # (4)
        for t in range(T):  # (4) (5)
            from_input = layer_input[:, t] @ layer["W"].T + layer["b_ih"]  # (5)
            h[:, t + 1] = np.tanh(from_input + h[:, t] @ layer["H"].T + layer["b_hh"])  # (4) (5)
        states.append((layer_input, h))  # (4)
        layer_input = h[:, 1:]  # (4)
    logits = layer_input @ params[-1]["W"].T + params[-1]["b"]  # (5)
    e = np.exp(logits - np.max(logits, axis=2, keepdims=True))  # (3)
    y_hat = e / e.sum(axis=2, keepdims=True)  # (3)
    loss = 0.0  # (1)
    for t in range(T):  # (1) (2)
        loss -= np.log(y_hat[rows, t, y[:, t]]).sum() / B  # (1) (2)
    # backward
    out = {"W": np.zeros_like(params[-1]["W"]), "b": np.zeros_like(params[-1]["b"])}  # (45) (46)
    d_input = np.zeros_like(layer_input)  # (43)
    for t in range(T):  # (42) (45) (46)
        dlogits = y_hat[:, t].copy()  # (42)
        dlogits[rows, y[:, t]] -= 1  # (42)
        dlogits = dlogits / B  # (42)
        out["W"] += dlogits.T @ layer_input[:, t]  # (45)
        out["b"] += dlogits.sum(axis=0)  # (46)
        d_input[:, t] = dlogits @ params[-1]["W"]  # (43)
    grads = [out]  # (45) (46)
    for layer, (below, h) in zip(params[-2::-1], states[::-1], strict=True):  # (43)
        dW_ih, dW_hh = np.zeros_like(layer["W"]), np.zeros_like(layer["H"])  # (44) (45)
        db = np.zeros_like(layer["b_ih"])  # (46)
        d_below = np.zeros_like(below)  # (43)
        dh_next = np.zeros_like(h[:, 0])  # (43)
        for t in range(T - 1, -1, -1):  # (43)
            dh = d_input[:, t] + dh_next  # (43)
            dz = dh * (1 - h[:, t + 1] ** 2)  # (43)
            dW_ih += dz.T @ below[:, t]  # (45)
            dW_hh += dz.T @ h[:, t]  # (44)
            db += dz.sum(axis=0)  # (46)
            dh_next = dz @ layer["H"]  # (43)
            d_below[:, t] = dz @ layer["W"]  # (43)
        grads.append({"W": dW_ih, "H": dW_hh, "b_ih": db, "b_hh": db.copy()})  # (44) (45) (46)
        d_input = d_below  # (43)
    return loss, grads[::-1]
