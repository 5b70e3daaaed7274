"""Arrays of more rows than should be held in memory: they lie in files, and are sorted and gathered piece by piece."""
