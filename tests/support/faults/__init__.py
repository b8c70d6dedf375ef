"""A seeded campaign of faults x criteria: no word without enough that was measured."""
