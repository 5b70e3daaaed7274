"""The sections of a report, one file each: ``section(page) -> Section | None``, None where the run has nothing of the kind."""
