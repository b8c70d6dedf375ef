"""Who may speak for a party: people, their devices, and tokens that expire."""
