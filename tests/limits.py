"""How long a test waits for what must come.

A limit ends a test that hangs, and never decides one that works: a machine may be slow, and busy.
"""

LIMIT_SECONDS = 1800
