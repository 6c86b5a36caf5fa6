"""The ELF file format: what a file says of itself."""
