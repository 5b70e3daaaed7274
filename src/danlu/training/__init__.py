"""The loop and its slots, optimisers, schedules, precision, checkpoints and randomness."""
