"""What comes next while one server reloads, decided from what is known of it by then."""
