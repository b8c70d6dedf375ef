"""What rules come to: whom a change affects, and claims proved or refuted."""
