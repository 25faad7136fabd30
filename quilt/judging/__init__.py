"""Judges: who was asked, by which criteria, and what they gave."""
