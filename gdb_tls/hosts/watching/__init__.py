"""Looking at a running process again and again, for little."""
