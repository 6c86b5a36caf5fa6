#!/usr/bin/env python3
"""`python3 -m gdb_tls`, or this file by itself, wherever a link to it is: the command gdb-tls."""

import os
import sys

if sys.version_info < (3, 9):
    sys.exit("gdb-tls needs Python 3.9 or newer; this one is %d.%d." % sys.version_info[:2])
if not __package__:
    # Run as a file: Python has put this folder on the path, which must be the one above it.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

from gdb_tls.cli.main import command

command()
