"""The oracle: whether a hand-written backprop is right, and if not, what was done."""
