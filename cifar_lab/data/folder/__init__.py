"""Folders of pictures: find, check, split and load them."""
