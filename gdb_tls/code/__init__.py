"""What machine code does with thread-local storage: who writes a variable, who reads it, and with what care."""
