"""Find and measure auroras on Mars in far-ultraviolet spacecraft images."""

__version__ = "0.1.0"
