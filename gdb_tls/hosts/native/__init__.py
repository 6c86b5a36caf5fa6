"""What hosts read without a debugger: core files, processes, memory maps; and how answers are written."""
