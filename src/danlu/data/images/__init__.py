"""Image files as people have them → 8-bit pixels. Pillow is imported inside functions only."""
