"""Click-through prediction: how probable it is that somebody clicks."""
