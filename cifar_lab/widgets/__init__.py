"""Widgets for notebooks: each draws in a running kernel, and has a still figure for where there is none."""
