"""Files, paths, progress bars and the import of Keras: what knows nothing of images."""
