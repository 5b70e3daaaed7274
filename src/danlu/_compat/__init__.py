"""The few places where the world is not as it should be, each with its reason. Nothing here imports torch at import."""
