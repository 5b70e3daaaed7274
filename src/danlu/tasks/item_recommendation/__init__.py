"""Item recommendation: which items each user would like next, from who met what."""
