"""Environments as a whole: which there are, what is in one besides packages, how one looks from outside.

    environments, sizes, state       which there are, how big, which variables activation sets
    requested, revisions             what its users asked for, and when
    healing                          what a dead process left is put right before anybody looks
    comparing, export, export_lock   what two differ in; one as a file
    pypi, pip, pip_replaced          what is in it and not from conda

Changing one is `engine.install`; what is in it on disk is read by `engine.link.prefix`.
"""
