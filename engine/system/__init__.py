"""This machine, and other processes on it.

    machine, probes                           what can run here: platform, virtual packages (CEP 30)
    process                                   whether another process lives, and whether one more would help
    helpers, helper                           processes of our own that work for our threads: this side, and theirs
    failure                                   an error on its way between them
    temporary                                 what is unfinished, and whether its maker still lives
    file_io, file_lock, writing, long_paths   small deeds that differ from system to system

Rule: the bottom of what touches the world; of ours it knows only the model and the errors.
"""
