"""The same deep RNN in JAX, differentiated by JAX alone."""
