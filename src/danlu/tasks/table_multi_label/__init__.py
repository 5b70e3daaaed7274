"""Multi-label classification of tables: any number of labels for each row."""
