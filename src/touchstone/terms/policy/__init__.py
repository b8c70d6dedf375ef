"""Rules over what is known of a caller, compiled to Cedar, and the decisions they come to."""
