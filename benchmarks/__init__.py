"""Measurements: this project beside the tutorials' way and the best ordinary way, in turns in one run."""
