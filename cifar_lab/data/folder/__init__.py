"""List, check, split and load folders of pictures."""
