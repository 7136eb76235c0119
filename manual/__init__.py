"""The document's derivation by hand, in NumPy: one function for every numbered equation."""
