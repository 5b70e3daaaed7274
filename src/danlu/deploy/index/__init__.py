"""A collection of embeddings that is searched by similarity, in a folder of one's own. It knows no application."""
