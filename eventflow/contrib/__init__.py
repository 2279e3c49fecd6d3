"""What joins eventflow to the frameworks that publish; each needs the extra of its name."""
