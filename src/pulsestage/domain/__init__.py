"""What the words of PulseStage mean: tenants, teams, questions, votes, tags, members, events, policy and errors.

Everything here is pure: frozen dataclasses and functions of their arguments. No I/O, no clock, no randomness, no
framework. A function that changes something returns the new state and the events that tell of it.
"""
