"""What a directive does: how far it reaches, whom it blocks, what is answered at once."""
