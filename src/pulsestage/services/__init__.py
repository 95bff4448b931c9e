"""Use cases. One function is one use case and one transaction.

Services know the domain, the event engine's types and their own ports; never SQL, never HTTP.
"""
