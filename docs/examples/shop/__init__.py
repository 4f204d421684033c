"""A service on Django: two lines of the settings, and views that raise."""
