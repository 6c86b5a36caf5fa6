"""glibc, read with the descriptions of its own structures that libthread_db uses."""
