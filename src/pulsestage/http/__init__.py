"""HTTP, thin: parse, call one service, serialise. No rule of the domain lives here."""
