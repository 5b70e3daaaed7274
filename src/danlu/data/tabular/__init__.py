"""Tables of numbers, categories and dates: what their columns hold, and how a row becomes numbers. numpy only."""
