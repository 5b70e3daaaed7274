"""Text: cleaned, divided into tokens, and compared with other texts. No torch, and nothing of any application."""
