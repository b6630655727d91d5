"""The picture of an observation: levels of log brightness on the canvas, and the solar zenith angle."""
