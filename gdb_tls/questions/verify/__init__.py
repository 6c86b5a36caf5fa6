"""tls-verify: every resolver that can run here, compared."""
