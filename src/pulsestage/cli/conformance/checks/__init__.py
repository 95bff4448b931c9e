"""The rules, one small function each. What they have in common is in `probe`."""
