"""Rating prediction: how much a user would like an item, from ratings."""
