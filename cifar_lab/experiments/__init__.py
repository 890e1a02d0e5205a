"""Many runs: evaluation by name, baselines, search, ablation, the run table, few-shot curves."""
