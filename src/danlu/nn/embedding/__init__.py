"""Tables of vectors learnt for each id, and what is known of who met what."""
