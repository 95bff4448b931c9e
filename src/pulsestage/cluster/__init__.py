"""What the processes of one service share besides the database."""
