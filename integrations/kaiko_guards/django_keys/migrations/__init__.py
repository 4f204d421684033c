"""Django finds what is here by its place."""
