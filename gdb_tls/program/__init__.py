"""One look at the program: symbols, resolvers, values."""
