"""Shells: what activating an environment means, as data (`environment`), and as code for each shell (`dialect`)."""
