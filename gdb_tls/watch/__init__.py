"""Watching a running process: what two looks at it differ in, and how that is told."""
