"""The C libraries: threads, modules, and where a module's block is in a thread."""
