"""Package archives (CEP 35).

    members                                      bytes → members, by:
    conda_zip, decompress, bzip2*, tar, reader   the layers of the two formats
    extract, handles, paths                      members → files below one directory, and nowhere else
    verify, file_list                            what is there against what was promised
    pack, tool                                   `package compress`, `extract`, `transmute`

Bytes are hostile until the last of them was checked.
"""
