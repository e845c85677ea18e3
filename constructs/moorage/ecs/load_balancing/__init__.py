"""Load balancers that services share, and the place of a service on them."""
