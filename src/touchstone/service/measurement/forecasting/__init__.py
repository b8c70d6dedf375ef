"""What `touchstone plan` reads and writes around a forecast: earlier cases, the page."""
