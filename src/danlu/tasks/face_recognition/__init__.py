"""Face recognition: an embedding in which pictures of one person lie together."""
