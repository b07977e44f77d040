"""How single files come into a prefix, whatever package they are of.

    batch, hands           links by the thousand, and who makes them
    modes                  hard link, reflink or copy
    special, placeholder   soft links, and files whose content is changed for one prefix
    launcher, mach_o       what Windows and Apple Silicon need besides

Start at `batch.carry_out`.
"""
