"""tls-table: any expressions as columns, one row a thread."""
