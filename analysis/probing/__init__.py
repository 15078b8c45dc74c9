"""What can be read off a layer."""
