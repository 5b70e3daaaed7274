"""What applications share whose answer is a text that is written token by token."""
