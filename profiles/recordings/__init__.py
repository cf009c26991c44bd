"""Recorded grid frequencies to be played, and the script that makes the synthetic one."""
