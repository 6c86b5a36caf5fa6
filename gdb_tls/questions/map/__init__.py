"""tls-map: the state of every variable in every thread."""
