"""Regression on tables: one number for each row."""
