"""Measurements: each compares our way with the usual one in the same run, so that a noisy machine hits both alike."""
