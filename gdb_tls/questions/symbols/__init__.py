"""tls-symbols: the thread-local variables, without looking at a thread."""
