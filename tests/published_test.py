"""Tests of published models by name."""

import numpy as np
import pytest

from mirjax.datasets import published_files, registry
from mirjax.evaluation.metrics.classification import classification_metrics
from mirjax.inference.classify import predict_probabilities
from mirjax.models import loading
from mirjax.models.published import find_published


def test_unknown_names_are_refused_and_other_paths_are_left_alone(tmp_path):
    with pytest.raises(ValueError, match="published/mirbind2.*did you mean mirbind2"):
        find_published("published/mirbind")
    with pytest.raises(ValueError, match="no such published model"):
        loading.load_model("published/other")
    assert find_published(tmp_path / "published" / "mirbind2") is None
    assert find_published("runs/published") is None


def test_a_name_is_fetched_by_the_registry(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(registry, "path", lambda name: asked.append(name) or tmp_path)
    for name in ("mirbind2", "mitar", "mitar1/"):
        assert find_published(f"published/{name}") == tmp_path
    assert asked == [
        "mirbind2/weights",
        "mitar2021/weights/miTAR",
        "mitar2021/weights/miTAR1",
    ]


@pytest.mark.slow
def test_published_classifiers_load_by_name(data_dir):
    pairs = registry.load_pairs("hejret2023/test").take(range(20))
    for name, weights in (
        ("mirbind2", "mirbind2/weights"),
        ("mitar", "mitar2021/weights/miTAR"),
    ):
        file = data_dir / published_files.FILES[weights].file
        found, expected = map(loading.load_model, (f"published/{name}", file))
        np.testing.assert_array_equal(
            predict_probabilities(found, pairs), predict_probabilities(expected, pairs)
        )
        assert classification_metrics(
            np.asarray(pairs.labels), predict_probabilities(found, pairs)
        )["n"] == len(pairs)
