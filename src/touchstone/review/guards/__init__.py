"""What must hold besides role and status. Each guard gives the reason for a refusal, or None."""
