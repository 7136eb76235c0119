"""Batches (N, T, D), rows, any depth: a forward and a backward function for each kind of layer, as courses have it."""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    # forward
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)  # (4) (5)
    return next_h, (x, prev_h, next_h, Wx, Wh)


def rnn_step_backward(dnext_h, cache):
    # backward
    x, prev_h, next_h, Wx, Wh = cache  # (43) (44) (45)
    dz = (1 - next_h**2) * dnext_h  # (43)
    dx = dz.dot(Wx.T)  # (43)
    dprev_h = dz.dot(Wh.T)  # (43)
    dWx = x.T.dot(dz)  # (45)
    dWh = prev_h.T.dot(dz)  # (44)
    db = dz.sum(axis=0)  # (46)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    # forward
    h = np.zeros((N, T, h0.shape[1]))  # (4)
    caches = []  # (4)
    prev_h = h0  # (4)
    for t in range(T):  # (4) (5)
        prev_h, cache = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)  # (4) (5)
        h[:, t] = prev_h  # (4)
        caches.append(cache)  # (4)
    return h, caches


def rnn_backward(dh, caches):
    # backward
    x, prev_h, _, Wx, Wh = caches[0]  # (43) (44) (45)
    N, T, _ = dh.shape  # (43)
    dx = np.zeros((N, T, x.shape[1]))  # (43)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(Wh.shape[0])  # (44) (45) (46)
    dprev_h = np.zeros_like(prev_h)  # (43)
    for t in reversed(range(T)):  # (43)
        dx[:, t], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dprev_h, caches[t])  # (43)
        dWx += dWx_t  # (45)
        dWh += dWh_t  # (44)
        db += db_t  # (46)
    return dx, dWx, dWh, db


def temporal_affine_forward(x, w, b):
    # forward
    N, T, D = x.shape  # (5)
    out = x.reshape(N * T, D).dot(w).reshape(N, T, len(b)) + b  # (5)
    return out, (x, w)


def temporal_affine_backward(dout, cache):
    # backward
    x, w = cache  # (43) (45)
    N, T, D = x.shape  # (43) (45)
    M = dout.shape[2]  # (43) (45)
    dx = dout.reshape(N * T, M).dot(w.T).reshape(N, T, D)  # (43)
    dw = dout.reshape(N * T, M).T.dot(x.reshape(N * T, D)).T  # (45)
    db = dout.sum(axis=(0, 1))  # (46)
    return dx, dw, db


def temporal_softmax_loss(x, y):
    # forward
    N, T, V = x.shape  # (3)
    x_flat, y_flat = x.reshape(N * T, V), y.reshape(N * T)  # (3)
    probs = np.exp(x_flat - np.max(x_flat, axis=1, keepdims=True))  # (3)
    probs /= np.sum(probs, axis=1, keepdims=True)  # (3)
    loss = -np.sum(np.log(probs[np.arange(N * T), y_flat])) / N  # (1) (2)
    # backward
    dx_flat = probs.copy()  # (42)
    dx_flat[np.arange(N * T), y_flat] -= 1  # (42)
    dx_flat /= N  # (42)
    return loss, dx_flat.reshape(N, T, V)


def f(params, x, y, h0):
    # forward
    h, caches = x, []  # (4)
    for p, state in zip(params[:-1], h0, strict=True):  # (4) (5)
        h, cache = rnn_forward(h, state, p["W"], p["H"], p["b"])  # (4) (5)
        caches.append(cache)  # (4)
    scores, cache = temporal_affine_forward(h, params[-1]["W"], params[-1]["b"])  # (5)
    loss, dscores = temporal_softmax_loss(scores, y)  # (1) (2) (3) (42)
    # backward
    dh, dW, db = temporal_affine_backward(dscores, cache)  # (43) (45) (46)
    grads = [{"W": dW, "b": db}]  # (45) (46)
    for cache in reversed(caches):  # (43)
        dh, dWx, dWh, db = rnn_backward(dh, cache)  # (43) (44) (45) (46)
        grads.insert(0, {"W": dWx, "H": dWh, "b": db})  # (44) (45) (46)
    return loss, grads
