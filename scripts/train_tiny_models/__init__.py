"""Trains the two tiny speech models of the tests from synthesized speech, and makes the tests' recordings."""
