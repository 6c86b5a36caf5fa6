"""tls-inspect: one variable in every thread."""
