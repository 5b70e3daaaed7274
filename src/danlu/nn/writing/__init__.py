"""Writing token by token in memory that grows in place."""
