"""Claims of volumes: which server has which, and what is wrong with them."""
