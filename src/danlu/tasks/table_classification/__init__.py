"""Classification of tables: one of two or more classes for each row."""
