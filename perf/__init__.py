"""Benchmarks: how long the main job takes, next to a peer in the same run. See README.md here."""
