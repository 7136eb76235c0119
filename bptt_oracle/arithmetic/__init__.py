"""Number systems that the same derivation runs over."""
