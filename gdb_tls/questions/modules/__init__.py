"""tls-modules: the modules with thread-local storage."""
