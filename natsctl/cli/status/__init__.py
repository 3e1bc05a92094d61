"""`natsctl status` and `natsctl describe`."""
