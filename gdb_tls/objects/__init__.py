"""The loaded objects of the program, and their files on this machine."""
