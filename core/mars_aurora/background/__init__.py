"""Non-auroral brightness of the disk: from an observation, and from a picture alone."""
