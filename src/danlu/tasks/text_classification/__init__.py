"""Text classification: one class for each text; sentiment is one of its uses."""
