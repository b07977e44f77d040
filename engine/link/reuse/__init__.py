"""What linking a package came to serves other environments as well.

    kept, keeping   the next one finds the plan beside the cached package
    sharing         those of the same run have it in memory

Start at `keeping.Keeping`.
"""
