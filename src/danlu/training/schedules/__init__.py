"""Schedules by name: pure functions of the step, so that nothing has to be saved to resume."""
