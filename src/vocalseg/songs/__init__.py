"""Where songs come from, and what is known of them."""
