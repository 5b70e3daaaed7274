"""Which parts of a net learn, when, and at which share of the rate: one plan a file."""
