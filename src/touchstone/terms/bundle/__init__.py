"""The one thing that a gateway obeys: terms and directives, numbered and signed."""
