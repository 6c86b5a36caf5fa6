"""Formats: one file each.  Nothing here reads the target."""
