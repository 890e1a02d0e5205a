"""What only the notebooks use: exercises, sanity checks, broken models, widgets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "widgets.augmentation_mixer": ["AugmentationMixer"],
        "widgets.be_the_classifier": ["BeTheClassifier"],
        "widgets.confusion_matrix": ["ConfusionMatrix"],
        "widgets.corruption_slider": ["CorruptionSlider"],
        "widgets.folder_check": ["FolderCheck"],
        "widgets.kernel_editor": ["KernelEditor"],
        "widgets.labels_slider": ["LabelsSlider"],
        "widgets.layer_viewer": ["LayerViewer"],
        "widgets.threshold_slider": ["ThresholdSlider"],
        "widgets.time_budget": ["TimeBudget"],
        "widgets.upload_classifier": ["UploadClassifier"],
    },
)
