"""musl, which describes nothing: what is read is checked for consistency."""
