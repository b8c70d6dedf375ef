"""What is kept of people, devices and tokens: in a database of its own, never in the record."""
