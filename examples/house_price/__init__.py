"""House prices: the smallest whole application (see CONTRIBUTING.md)."""
