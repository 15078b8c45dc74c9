"""What networks are trained to say in the supervised regime."""
