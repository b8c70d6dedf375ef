"""What is found and how it is judged: findings, declared evidence, designation."""
