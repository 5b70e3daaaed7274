"""Faces found by their landmarks and turned upright: a step before training, for pictures that show more than a face."""
