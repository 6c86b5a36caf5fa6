"""What all answers share: pages, pictures, JSON, CSV and the parts of tables."""
