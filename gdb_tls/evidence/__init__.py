"""What machine code and stacks tell together: where a bad pointer came from, and who could have set it."""
