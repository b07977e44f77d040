"""What one package puts where.

    paths_json, noarch, needs   what the package says of itself, and what follows for this target
    entry_points, shebang       scripts for its entry points; first lines that the kernel takes
    claims                      who brings which path

Start at `package_plan.PackagePlan`.
"""
