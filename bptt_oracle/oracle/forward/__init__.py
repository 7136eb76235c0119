"""Mistakes in the forward pass: the passes that make them, what gradients follow, and which of them f makes."""
