"""Questions about packages that change nothing: what there is, what needs what, why something is installed.

catalog    several subdirs seen as one: names → records, newest first, decoded when asked for
search     specs → the records that match; what may have been meant where none does
needs      records → what they depend on, and who depends on them; newest: each of these by its newest record
graph      either of these as a graph, from one package on
chains     why an installed package is there: who asked for it, through whom

Rule of this folder: pure functions of rows and records, as `engine.solve` is; printing is in `engine.ui.query`.
"""
