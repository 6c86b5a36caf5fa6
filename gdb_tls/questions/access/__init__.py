"""tls-access: which code writes and reads a variable."""
