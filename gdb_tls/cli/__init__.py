"""gdb-tls, the command outside GDB: it finds the program, starts GDB on it, and asks one question.

Exit status: 0 where nothing looks wrong, 1 where something does, 2 on an error.
"""
