"""Inline SVG from numbers: every function gives one picture with a title and a description, coloured by the page's style."""
