"""PulseStage: self-hosted live Q&A for talks, lectures and all-hands meetings."""
