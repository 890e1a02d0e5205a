"""Code that only the notebooks use: exercises, sanity checks, broken models and widgets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "broken_models": ["load_broken_model"],
        "sanity_checks": ["run_sanity_checks"],
        "widgets.augmentation_mixer": ["AugmentationMixer", "augmentation_still"],
        "widgets.be_the_classifier": ["BeTheClassifier", "score"],
        "widgets.confusion_matrix": ["ConfusionMatrix"],
        "widgets.corruption_slider": ["CorruptionSlider", "corruption_still"],
        "widgets.folder_check": ["FolderCheck"],
        "widgets.kernel_editor": ["KernelEditor", "kernel_still"],
        "widgets.labels_slider": ["LabelsSlider"],
        "widgets.layer_viewer": ["LayerViewer"],
        "widgets.threshold_slider": ["ThresholdSlider"],
        "widgets.upload_classifier": ["UploadClassifier", "classify"],
    },
)
