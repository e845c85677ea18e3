"""Load balancers that services share, and the routes and listeners of services on them."""
