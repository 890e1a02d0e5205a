"""General helpers that do not depend on images: files, paths, progress bars, the import of Keras."""
