"""Masked language model: an encoder that learns from raw text to fill in hidden words."""
