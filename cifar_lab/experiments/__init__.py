"""Experiments over many runs: evaluation by name, baselines, search, ablation, the run table, few-shot accuracy."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ablation": ["run_ablation", "summarise_ablation", "without_each"],
        "baselines": ["BASELINE_FEATURES", "BASELINE_METHODS", "baseline_table", "compare_baselines", "fit_baseline"],
        "evaluate": [
            "compare",
            "compare_over_seeds",
            "evaluate_classifier",
            "evaluate_named",
            "evaluate_run",
            "evaluate_saved",
            "saved_predictions",
        ],
        "few_shot": ["accuracies_of_runs", "choose_labelled", "few_shot_accuracies", "nearest_mean"],
        "folder_accuracy": ["evaluate_folder"],
        "grid": ["NetworkClassifier", "grid_search"],
        "recipe_search": ["Between", "SearchResult", "search"],
        "run_table": [
            "classifier_rows",
            "one_per_seed",
            "rank_rows",
            "read_runs",
            "run_rows",
            "test_result",
            "write_records",
        ],
    },
)
