"""What figures and forms say in words."""
