"""Whether a server may go, judged by what all servers say of JetStream; pure."""
