"""Text generation: a net that has read texts continues others."""
