"""PulseStage: self-hosted live Q&A for talks, lectures and all-hands meetings."""

from importlib.metadata import version

__version__ = version("pulsestage")
