"""Small parts put into a frozen net, which learn in its stead: one kind a file."""
