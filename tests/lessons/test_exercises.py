"""The exercises: feedback on right and wrong answers, and solutions checked against independent results."""

from dataclasses import replace

import numpy as np
import pytest

from cifar_lab.lessons import exercises


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (200 * 16 * 16 * 3, "Right!"),
        (200, "too low"),
        (10**9, "too high"),
        ("many", "not a number"),
        (None, "not a number"),
        (..., "Not answered yet"),
    ],
)
def test_feedback_on_a_number(stripes, capsys, answer, sentence):
    exercises.check("numbers in train", answer, stripes)
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "sentence"), [("upright", "Right!"), (" Upright ", "Right!"), ("cat", "Not yet")])
def test_feedback_on_a_word(stripes, capsys, answer, sentence):
    exercises.check("last test class", answer, stripes)  # the labels alternate: the 40th is 1
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "sentence"), [(80, "Right!"), (85, "Right!"), (75, "Right!"), (70, "too low"), (90, "too high")]
)
def test_a_rule_of_thumb_has_a_wider_tolerance(stripes, capsys, answer, sentence):
    exercises.check("half the interval", answer, stripes)  # the exact interval gives 81 to 85
    assert sentence in capsys.readouterr().out


def test_solutions_on_training_agree_with_hand_calculation(stripes):
    assert exercises.solution("steps an epoch", stripes) == 7  # 200 / 32 = 6.25
    assert exercises.solution("loss of guessing", stripes) == pytest.approx(0.693147, abs=1e-6)
    assert exercises.solution("first convolution", stripes) == 896


def test_solutions_on_augmentation_agree_with_hand_calculation(stripes):
    assert exercises.solution("mirrored or shifted", stripes) == 50  # 5 places across, 5 down, 2 ways
    assert exercises.solution("seen one way", stripes) == 0.5  # heads twice or tails twice
    assert exercises.solution("hidden by a square", stripes) == 0.25  # 64 of 16 x 16 pixels
    numbers = [min(int(number) + 100, 255) for number in stripes.train.images[:12].flat]
    assert exercises.solution("brighter mean", stripes) == pytest.approx(sum(numbers) / len(numbers))


def test_solutions_on_uploads_agree_with_hand_calculation():
    assert exercises.solution("centre of a photograph") == 0.75  # 3000 x 3000 of 4000 x 3000
    assert exercises.solution("refused of forty") == pytest.approx(2)  # 5 of 100
    assert exercises.solution("share within margins") == 0.25  # half as wide, half as high


def test_nearest_mean_solution_agrees_with_scikit_learn(stripes):
    from sklearn.neighbors import NearestCentroid

    flat = lambda images: images.reshape(len(images), -1).astype(float)  # noqa: E731
    model = NearestCentroid().fit(flat(stripes.train.images), stripes.train.labels)
    right = model.predict(flat(stripes.validation.images[:, :, ::-1])) == stripes.validation.labels
    assert exercises.solution("mirrored nearest mean", stripes) == np.sum(right)


def test_convolution_solutions_agree_with_keras(stripes):
    from cifar_lab.core.keras_backend import keras

    three = [keras.layers.Conv2D(1, 3, kernel_initializer="ones") for _ in range(3)]
    chain = keras.Sequential([keras.Input((None, None, 1)), *three])
    size = exercises.solution("three convolutions", stripes)
    assert chain(np.zeros((1, size, size, 1))).shape == (1, 1, 1, 1)  # exactly one number remains
    layer = keras.layers.Conv2D(16, 5, strides=2)
    assert layer(np.zeros((1, 28, 28, 32))).shape[1] == exercises.solution("size after a convolution", stripes)
    assert layer.count_params() == exercises.solution("weights of a convolution", stripes)


def test_strongest_edge_solution_agrees_with_scipy(stripes):
    from scipy.signal import correlate2d

    red = stripes.train.images[0][:, :, 0].astype(int)
    kernel = np.array([[-1, 0, 1]] * 3)
    assert exercises.solution("strongest edge", stripes) == correlate2d(red, kernel, mode="valid").max()


def test_half_the_interval_solution_agrees_with_wilson(stripes):
    from cifar_lab.evaluation import wilson_interval

    low, high = wilson_interval(14, 20)
    count = exercises.solution("half the interval", stripes)
    narrow, wide = wilson_interval(14 * count // 20, count)
    assert (wide - narrow) / (high - low) == pytest.approx(0.5, abs=0.03)


def test_normalisation_solution_agrees_with_keras(stripes):
    from cifar_lab.core.keras_backend import keras

    layer = keras.layers.BatchNormalization()
    layer.build((None, 8, 8, 64))
    assert layer.count_params() == exercises.solution("numbers of a normalisation", stripes)


def test_each_broken_model_has_the_fault_that_its_solution_names(stripes):
    from cifar_lab.lessons import broken_models

    layer_types, scales, rates, labels_kept = {}, {}, {}, {}
    for name in "ABCD":
        model, its_dataset = broken_models.load_broken_model(name, stripes)
        layer_types[name] = [type(layer).__name__ for layer in model.layers]
        scales[name] = model.layers[0].scale
        rates[name] = float(model.optimizer.learning_rate)
        labels_kept[name] = np.array_equal(its_dataset.train.labels, stripes.train.labels)
    causes = {
        "learning rate": [name for name, rate in rates.items() if rate > 1],
        "pixels": [name for name, scale in scales.items() if scale == 1],
        "softmax": [name for name, layers in layer_types.items() if "Softmax" in layers],
        "labels": [name for name, kept in labels_kept.items() if not kept],
    }
    assert causes == {exercises.solution(f"patient {name}", stripes): [name] for name in "ABCD"}


def test_solutions_on_evaluation_agree_with_scikit_learn_and_scipy(stripes):
    from scipy import stats
    from sklearn.dummy import DummyClassifier
    from sklearn.metrics import f1_score

    is_cat, called_cat = np.repeat([1, 0, 1, 0], [40, 10, 40, 10]), np.repeat([1, 1, 0, 0], [40, 10, 40, 10])
    assert exercises.solution("f1 of a detector", stripes) == pytest.approx(f1_score(is_cat, called_cat))
    wilson = stats.binomtest(45, 50).proportion_ci(method="wilson")
    assert exercises.solution("lower end of the interval", stripes) == pytest.approx(wilson.low, abs=1e-6)
    logits = np.log([0.9, 0.1]) / 2
    softened = np.exp(logits[0]) / np.exp(logits).sum()
    assert exercises.solution("score at temperature 2", stripes) == pytest.approx(softened)
    assert exercises.solution("seven coins", stripes) == pytest.approx(stats.binomtest(6, 7).pvalue)
    lazy = DummyClassifier(strategy="most_frequent").fit(stripes.test.labels, stripes.test.labels)
    accuracy = lazy.score(stripes.test.labels, stripes.test.labels)
    assert exercises.solution("the laziest classifier", stripes) == accuracy


def test_solutions_on_own_images_agree_with_measurements(stripes):
    from sklearn.metrics import balanced_accuracy_score

    from cifar_lab.data.dataset import Split
    from cifar_lab.data.folder import balancing

    uneven = np.array([0] * 30 + [1] * 7)
    _, copies = balancing.balanced_positions(uneven, "up", 0)
    of_uneven = replace(stripes, train=Split(stripes.train.images[:37], uneven))
    assert exercises.solution("copies for balance", of_uneven) == len(copies) == 23
    truth = np.repeat([0, 1], [950, 50])
    assert exercises.solution("mean recall") == balanced_accuracy_score(truth, np.zeros(1000))
    generator, shares = np.random.default_rng(0), []
    for _ in range(200):
        tested = np.zeros(2000, bool)
        tested[generator.permutation(2000)[:400]] = True
        shares.append(np.mean(~tested[np.arange(2000) ^ 1][tested]))  # 0 and 1 are twins, 2 and 3, ...
    assert exercises.solution("twins in train") == pytest.approx(np.mean(shares), abs=0.005)
    larger, image = np.zeros((96, 96, 3)), np.zeros((32, 32, 3))
    assert exercises.solution("a larger image") == larger.size / image.size


def test_solutions_on_experiments_agree_with_scikit_learn_scipy_and_the_search(stripes):
    from scipy import stats
    from sklearn.model_selection import ParameterGrid

    from cifar_lab import evaluation

    grid = ParameterGrid({"learning_rate": [1, 2, 3, 4], "batch_size": [1, 2, 3]})
    assert exercises.solution("trainings of a grid") == 5 * len(grid) + 1
    running, done, epochs = 9, 0, 0
    for cut in (1, 3, 9):
        epochs, done, running = epochs + running * (cut - done), cut, running // 3
    assert exercises.solution("epochs of a halving") == epochs
    assert exercises.solution("luck of twenty") == pytest.approx(1 - stats.binom.pmf(0, 20, 0.05))
    count = exercises.solution("seeds for a mean")
    assert stats.sem(np.tile([73.4, 74.6], 5000)[:10_000]) * np.sqrt(10_000 / count) == pytest.approx(0.2, abs=0.001)
    pairs = {
        "first pair of recipes": ((0.731, 0.746, 0.736), (0.740, 0.754, 0.739)),
        "second pair of recipes": ((0.702, 0.705, 0.703, 0.704), (0.710, 0.713, 0.709, 0.712)),
    }
    for question, (a, b) in pairs.items():
        better = evaluation.compare_seeds(a, b).better or "chance"
        assert exercises.solution(question).lower() == better


def test_solutions_on_transfer_agree_with_keras_and_counting():
    from cifar_lab.core.keras_backend import keras

    head = keras.Sequential([keras.Input((256,)), keras.layers.Dense(2)])
    assert exercises.solution("weights of the new head") == head.count_params()
    images = range(200)  # 100 to train on and 100 to validate on, in each epoch or only once
    assert exercises.solution("passes saved") == sum(1 for _ in range(40) for _ in images) - len(images)
    labels = np.repeat(np.arange(10), 5000)
    assert exercises.solution("labels that nobody mentions") == np.isin(labels, (3, 5)).sum()


def test_an_unknown_exercise_lists_the_exercises(stripes):
    with pytest.raises(ValueError, match=r"no exercise 'x'\. Choose one of: numbers in train"):
        exercises.check("x", 1, stripes)
