"""Columns (d, 1), one sequence, any depth: a class whose forward pass leaves a cache; targets as rows."""

import numpy as np


class RNN:
    """A stacked RNN that remembers its last forward pass."""

    def __init__(self):
        self.cache = []

    def forward(self, params, x, h0):
        """Keep (below, h_prev, h) of every hidden layer, and h of the top layer with y_hat, for each step."""
        # forward
        self.cache = []  # (4)
        h = [state.reshape(-1, 1) for state in h0]  # (4)
        for x_t in x:  # (3) (4) (5)
            a = x_t.reshape(-1, 1)  # (4)
            layers = []  # (4)
            for l, p in enumerate(params[:-1]):  # (4) (5)
                h_prev = h[l]  # (4)
                h[l] = np.tanh(np.dot(p["W"], a) + np.dot(p["H"], h_prev) + p["b"].reshape(-1, 1))  # (4) (5)
                layers.append((a, h_prev, h[l]))  # (4)
                a = h[l]  # (4)
            logits = np.dot(params[-1]["W"], a) + params[-1]["b"].reshape(-1, 1)  # (5)
            e = np.exp(logits - np.max(logits))  # (3)
            self.cache.append((layers, a, e / np.sum(e)))  # (3) (4)

    def loss(self, y):
        """The mean cross entropy of the last forward pass."""
        # forward
        total = 0.0  # (1)
        for target, (_, _, y_hat) in zip(y, self.cache, strict=True):  # (1) (2)
            total -= np.sum(target.reshape(-1, 1) * np.log(y_hat))  # (1) (2)
        return total / len(y)  # (1)

    def backward(self, params, y):
        """Gradients of the last loss, from the last step to the first."""
        # backward
        T = len(self.cache)  # (43)
        dH = [np.zeros_like(p["H"]) for p in params[:-1]]  # (44)
        dW = [np.zeros_like(p["W"]) for p in params]  # (45)
        db = [np.zeros((len(p["b"]), 1)) for p in params]  # (46)
        carried = [0 for _ in dH]  # (43)
        for t in range(T - 1, -1, -1):  # (43)
            layers, top, y_hat = self.cache[t]  # (42) (45)
            delta = (y_hat - y[t].reshape(-1, 1)) / T  # (42)
            dW[-1] += np.dot(delta, top.T)  # (45)
            db[-1] += delta  # (46)
            da = np.dot(params[-1]["W"].T, delta)  # (43)
            for l in range(len(layers) - 1, -1, -1):  # (43)
                a, h_prev, h = layers[l]  # (43) (44) (45)
                delta = (da + carried[l]) * (1 - h * h)  # (43)
                dH[l] += np.dot(delta, h_prev.T)  # (44)
                dW[l] += np.dot(delta, a.T)  # (45)
                db[l] += delta  # (46)
                carried[l] = np.dot(params[l]["H"].T, delta)  # (43)
                da = np.dot(params[l]["W"].T, delta)  # (43)
        grads = [{"H": H, "W": W, "b": b[:, 0]} for H, W, b in zip(dH, dW, db, strict=False)]  # (44) (45) (46)
        return [*grads, {"W": dW[-1], "b": db[-1][:, 0]}]  # (45) (46)


rnn = RNN()


def f(params, x, y, h0):
    rnn.forward(params, x, h0)
    return rnn.loss(y), rnn.backward(params, y)
