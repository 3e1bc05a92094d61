"""What restarts and returns of servers wait for, so that streams keep their copies."""
