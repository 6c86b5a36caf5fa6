"""tls-exit: what happens when a thread ends."""
