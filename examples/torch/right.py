"""An RNN with a backward pass of its own: a whole layer is one step for autograd, and keeps nothing but its states."""

import torch
from torch import nn


class Layer(torch.autograd.Function):
    """h^(t) = tanh(W x^(t) + H h^(t-1) + b) over a whole sequence, x of shape (T, B, d)."""

    @staticmethod
    def forward(ctx, x, h0, W, H, b):
        """The states after every step, shape (T, B, d_l)."""
        states = [h0]
        for x_t in x:
            states.append(torch.tanh(x_t @ W.T + states[-1] @ H.T + b))
        h = torch.stack(states)
        ctx.save_for_backward(x, h, W, H)
        return h[1:]

    @staticmethod
    def backward(ctx, arriving):
        """The gradients in x, h0, W, H and b."""
        x, h, W, H = ctx.saved_tensors
        dW, dH, db = torch.zeros_like(W), torch.zeros_like(H), torch.zeros_like(H[0])
        carried = torch.zeros_like(h[0])
        dx = []
        for t in reversed(range(len(x))):
            delta = (1 - h[t + 1] ** 2) * (arriving[t] + carried)
            dW += delta.T @ x[t]
            dH += delta.T @ h[t]
            db += delta.sum(dim=0)
            dx.append(delta @ W)
            carried = delta @ H
        return torch.stack(dx[::-1]), carried, dW, dH, db


class FusedRNN(nn.RNN):
    """An `nn.RNN` with tanh whose layers are run by `Layer`."""

    def forward(self, x, h0=None):
        """The states of the top layer, and the last states of every layer."""
        if h0 is None:
            h0 = x.new_zeros(self.num_layers, x.shape[1], self.hidden_size)
        last = []
        for initial, (W, H, b_ih, b_hh) in zip(h0, self.all_weights, strict=True):
            x = Layer.apply(x, initial, W, H, b_ih + b_hh)
            last.append(x[-1])
        return x, torch.stack(last)


torch.manual_seed(0)
rnn = FusedRNN(input_size=5, hidden_size=8, num_layers=2)
linear = nn.Linear(8, 6)

if __name__ == "__main__":
    import bptt_oracle.torch

    print(bptt_oracle.torch.check(rnn, linear))
