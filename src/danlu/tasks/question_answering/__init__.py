"""Question answering: which part of a text answers a question, if any does."""
