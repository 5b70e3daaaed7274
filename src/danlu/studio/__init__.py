"""The web page: a server for one person on one machine, and the built front end under ``static``."""
