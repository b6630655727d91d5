"""Non-auroral brightness: from an observation, and from a picture alone."""
