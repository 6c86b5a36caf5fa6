"""tls-audit: what looks wrong, without a name."""
