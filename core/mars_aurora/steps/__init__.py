"""The steps of a run: storage in, message out. Lambda handlers and the command line call these.

Bad input ends here: an InputError becomes a recorded outcome, so that nothing retries it.
"""
