"""What the pages say, a folder a language."""
