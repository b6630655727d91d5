"""The object count, which decides whether a picture is a candidate."""
