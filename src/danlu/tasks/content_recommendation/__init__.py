"""Content recommendation: which items a user would like by what is known of the items, those nobody has met among them."""
