"""tls-thread: everything thread-local that a thread has."""
