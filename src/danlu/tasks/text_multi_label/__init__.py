"""Multi-label text classification: any number of labels for each text."""
