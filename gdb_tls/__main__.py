"""`python3 -m gdb_tls`: the command gdb-tls."""

import sys

from gdb_tls.cli import main

sys.exit(main())
