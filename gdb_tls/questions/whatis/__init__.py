"""tls-whatis: whose an address is."""
