"""Figures. Every function returns a matplotlib figure; `show` displays one in a notebook."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ablation": ["ablation_bars", "describe_ablation"],
        "evaluation": [
            "accuracy_intervals",
            "confusion_matrix",
            "heat_maps",
            "mistakes",
            "reliability_diagram",
            "score_histograms",
            "severity_curves",
        ],
        "few_shot": ["few_shot_curves"],
        "folder": ["folder_contact_sheet"],
        "images": ["channels", "class_balance", "contact_sheet", "mean_images", "picture_grid", "prediction_bars"],
        "run_table": ["accuracy_against_minutes", "describe_runs"],
        "network": [
            "accuracy_by_position",
            "feature_map_grid",
            "filters",
            "number_grids",
            "receptive_fields",
            "signed_colours",
        ],
        "search": ["describe_search_curves", "describe_search_slices", "search_curves", "search_slices"],
        "style": ["BLUE", "GREEN", "ORANGE", "PURPLE", "VERMILION", "show"],
        "training": ["compare_curves", "training_curves"],
    },
)
