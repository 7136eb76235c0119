"""Columns (d, 1), one sequence, exactly one hidden layer: a classifier, whose loss is that of the last step alone."""

import numpy as np


class Classifier:
    """A many-to-one RNN."""

    def forward(self, params, x):
        """Class probabilities after the last step."""
        hidden, out = params
        # forward
        h = np.zeros((len(hidden["b"]), 1))  # (4)
        self.inputs = [x_t.reshape(-1, 1) for x_t in x]  # (4)
        self.hs = {0: h}  # (4)
        for i, x_t in enumerate(self.inputs):  # (4) (5)
            h = np.tanh(hidden["W"] @ x_t + hidden["H"] @ h + hidden["b"].reshape(-1, 1))  # (4) (5)
            self.hs[i + 1] = h  # (4)
        y = out["W"] @ h + out["b"].reshape(-1, 1)  # (5)
        e = np.exp(y - np.max(y))  # (3)
        return e / np.sum(e)  # (3)

    def backprop(self, params, d_y):
        """Gradients, from that in the logits."""
        hidden, out = params
        # backward
        n = len(self.inputs)  # (43)
        d_Why = d_y @ self.hs[n].T  # (45)
        d_by = d_y  # (46)
        d_Whh = np.zeros_like(hidden["H"])  # (44)
        d_Wxh = np.zeros_like(hidden["W"])  # (45)
        d_bh = np.zeros((len(hidden["b"]), 1))  # (46)
        d_h = out["W"].T @ d_y  # (43)
        for t in reversed(range(n)):  # (43)
            temp = (1 - self.hs[t + 1] ** 2) * d_h  # (43)
            d_bh += temp  # (46)
            d_Whh += temp @ self.hs[t].T  # (44)
            d_Wxh += temp @ self.inputs[t].T  # (45)
            d_h = hidden["H"].T @ temp  # (43)
        return [{"W": d_Wxh, "H": d_Whh, "b": d_bh[:, 0]}, {"W": d_Why, "b": d_by[:, 0]}]  # (44) (45) (46)


rnn = Classifier()


def f(params, x, y):
    probs = rnn.forward(params, x)
    target = int(y[-1])
    # forward
    loss = -np.log(probs[target, 0])  # (2)
    # backward
    d_L_d_y = np.copy(probs)  # (42)
    d_L_d_y[target] -= 1  # (42)
    return loss, rnn.backprop(params, d_L_d_y)
