"""A training step on CPU as a list of compiled calls, prepared once.

For small networks, the overhead of autograd and of a few hundred torch calls exceeds
the arithmetic. Here the same step (forward, backward and Adam) is a list of about
seventy calls of compiled functions on preallocated memory: see
``network/_kernels.c``. ``tests/test_fused_step.py`` compares it with autograd.
"""
