"""Interactive widgets for the notebooks, one per file."""
