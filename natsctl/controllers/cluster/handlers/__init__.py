"""How each kind of action is carried out, and what is told once it is done."""
