"""What one package puts where.

    paths_json, noarch, entry_points, needs   what the package says of itself, and what follows for this target
    claims                                    who brings which path
    file_lists                                what records say of files
    kept, keeping, sharing                    plans that serve the next environment, or others of the same run

Start at `package_plan.PackagePlan`.
"""
