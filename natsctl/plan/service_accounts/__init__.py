"""Users made from NatsServiceRoles and ServiceAccounts, and their tokens."""
