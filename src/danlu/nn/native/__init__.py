"""Pages of C, each compiled once on the machine that uses it (docs/decisions/0018)."""
