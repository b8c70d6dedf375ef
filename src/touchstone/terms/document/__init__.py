"""What people write: terms, directives and the file of people, read and checked."""
