"""One module per noun; a route's body is a dozen lines."""
