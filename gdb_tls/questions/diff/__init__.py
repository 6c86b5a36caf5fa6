"""tls-diff: what differs between two threads or moments."""
