"""What operators see of the node itself."""
