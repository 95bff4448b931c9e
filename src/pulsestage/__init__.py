"""PulseStage: self-hosted live Q&A for talks, lectures and all-hands meetings."""

__version__ = "0.1.0"
