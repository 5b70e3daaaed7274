"""Watchers: the journal, the screens and TensorBoard. They look on and change nothing."""
