"""What other scanners' users bring along: their rules, ignore files, baselines and report forms."""
