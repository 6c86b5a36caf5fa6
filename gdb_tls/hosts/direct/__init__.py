"""Core files and processes as they are, without a debugger; drgn, where it is installed, adds names and types."""
