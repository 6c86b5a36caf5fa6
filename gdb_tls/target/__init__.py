"""What a host must give, and the words of the product."""
