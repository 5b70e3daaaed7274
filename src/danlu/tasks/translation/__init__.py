"""Translation: a text in one language becomes one in another."""
