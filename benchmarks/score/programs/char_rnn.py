"""Columns (d, 1), one sequence, in the manner of min-char-rnn with n layers: dicts over t, sum over t."""

import numpy as np


def f(params, inputs, targets, h0):
    Why, by = params[-1]["W"], params[-1]["b"].reshape(-1, 1)
    layers = range(len(params) - 1)
    Wxh = [params[l]["W"] for l in layers]
    Whh = [params[l]["H"] for l in layers]
    bh = [params[l]["b"].reshape(-1, 1) for l in layers]
    # forward
    xs, hs, ys, ps = {}, {}, {}, {}  # (4)
    hs[-1] = [state.reshape(-1, 1) for state in h0]  # (4)
    loss = 0  # (1)
    for t in range(len(inputs)):  # (3) (4) (5)
        xs[t] = inputs[t].reshape(-1, 1)  # (4)
        hs[t] = []  # (4)
        for l in layers:  # (4) (5)
            below = xs[t] if l == 0 else hs[t][l - 1]  # (4)
            hs[t].append(np.tanh(np.dot(Wxh[l], below) + np.dot(Whh[l], hs[t - 1][l]) + bh[l]))  # (4) (5)
        ys[t] = np.dot(Why, hs[t][-1]) + by  # (5)
        es = np.exp(ys[t] - np.max(ys[t]))  # (3)
        ps[t] = es / np.sum(es)  # (3)
        loss += -np.log(ps[t][targets[t], 0])  # (1) (2)
    # backward
    dWxh, dWhh = [np.zeros_like(W) for W in Wxh], [np.zeros_like(H) for H in Whh]  # (44) (45)
    dbh = [np.zeros_like(b) for b in bh]  # (46)
    dWhy, dby = np.zeros_like(Why), np.zeros_like(by)  # (45) (46)
    dhnext = [np.zeros_like(h) for h in hs[-1]]  # (43)
    for t in reversed(range(len(inputs))):  # (43)
        dy = np.copy(ps[t])  # (42)
        dy[targets[t]] -= 1  # (42)
        dWhy += np.dot(dy, hs[t][-1].T)  # (45)
        dby += dy  # (46)
        dabove = np.dot(Why.T, dy)  # (43)
        for l in reversed(layers):  # (43)
            dh = dabove + dhnext[l]  # (43)
            dhraw = (1 - hs[t][l] * hs[t][l]) * dh  # (43)
            dbh[l] += dhraw  # (46)
            dWxh[l] += np.dot(dhraw, (xs[t] if l == 0 else hs[t][l - 1]).T)  # (45)
            dWhh[l] += np.dot(dhraw, hs[t - 1][l].T)  # (44)
            dhnext[l] = np.dot(Whh[l].T, dhraw)  # (43)
            dabove = np.dot(Wxh[l].T, dhraw)  # (43)
    grads = [{"W": dWxh[l], "H": dWhh[l], "b": dbh[l].ravel()} for l in layers]  # (44) (45) (46)
    grads.append({"W": dWhy, "b": dby.ravel()})  # (45) (46)
    return loss, grads
