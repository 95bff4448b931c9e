"""uvicorn as PulseStage runs it: its configuration, the order in which it stops, and the log's form."""
