"""Verification of a published derivation of backpropagation through time, and of code written after it."""
