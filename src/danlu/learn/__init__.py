"""Lessons: what a training does, computed by real torch on a small net or on one's own run. Plain data; the page draws them."""
