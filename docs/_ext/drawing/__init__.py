"""The pictures of the pages: SVG drawn from data, one function a picture.

Each takes its data and a width, and returns the same picture for a wide or a narrow screen. The
colours are CSS variables of the page (`conf.py`), so a picture follows the theme switch. No file
here knows Sphinx.
"""
