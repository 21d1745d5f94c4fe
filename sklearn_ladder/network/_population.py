"""Measures the population statistics of a ladder network."""

from ._normalization import pool_statistics, statistics_for_prediction


def population_of_layers(ladder):
    """`PopulationStatistics` of all encoder layers, then of all decoder layers."""
    layers = list(ladder.encoder.layers)
    if ladder.decoder is not None:
        layers += ladder.decoder.layers.values()
    return [layer.population for layer in layers]


def set_population(ladder, labeled, all_samples, labeled_share, earlier, earlier_share):
    """Set the statistics that prediction uses: see `Ladder.measure_population`."""
    labeled, all_samples = _pooled(ladder, labeled), _pooled(ladder, all_samples)
    measured = [
        statistics_for_prediction(own, all_, labeled_share, ladder.n_members)
        for own, all_ in zip(
            labeled or all_samples, all_samples or labeled, strict=True
        )
    ]
    if earlier is not None:
        measured = [
            pool_statistics(before, statistics, earlier_share)
            for before, statistics in zip(earlier, measured, strict=True)
        ]
    for population, statistics in zip(
        population_of_layers(ladder), measured, strict=True
    ):
        population.set(statistics)


def _pooled(ladder, chunks):
    """Statistics of all layers over chunks of equal size."""
    pooled = []
    for n_before, x in enumerate(chunks):
        measured = _all_statistics(ladder, ladder.for_all(x))
        if n_before:
            measured = [
                pool_statistics(before, chunk, n_before / (n_before + 1))
                for before, chunk in zip(pooled, measured, strict=True)
            ]
        pooled = measured
    return pooled


def _all_statistics(ladder, x):
    """Batch statistics of all encoder layers, then of all decoder layers."""
    if has_nan(x):
        x = ladder.impute(x)
    clean = ladder.encoder.clean(x)
    if ladder.decoder is None:
        return clean.statistics
    decoded = ladder.decoder.measure(clean.z, ladder.proba(clean.logits))
    return [*clean.statistics, *decoded]


def has_nan(x):
    """Whether there is NaN in a tensor. Checking the sum first is faster."""
    return bool(x.sum().isnan() and x.isnan().any())
