"""What a reader can play with in the notebooks, one file a widget."""
