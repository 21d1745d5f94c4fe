"""Each kind of layer by hand: shapes, values, and the way back down."""

import pytest
import torch
from torch.nn import functional as F

from sklearn_ladder.network import Conv, Dense, Ladder, MaxPool, MeanPool, Shape
from sklearn_ladder.network._convolution import LARGEST_DIRECT_KERNEL
from tests.draws import normal

IMAGE = Shape(3, 12, 14)
LARGE = LARGEST_DIRECT_KERNEL + 1
CONVOLUTIONS = {
    Conv(4, 3): Shape(4, 10, 12),
    Conv(4, 3, "same"): Shape(4, 12, 14),
    Conv(4, 3, "full"): Shape(4, 14, 16),
    Conv(4, 2, "full"): Shape(4, 13, 15),
    Conv(4, 1): Shape(4, 12, 14),
    Conv(4, 3, stride=2): Shape(4, 5, 6),
    Conv(4, 5, "same", stride=3): Shape(4, 4, 5),
    Conv(4, 3, "full", stride=2): Shape(4, 7, 8),
    Conv(4, LARGE): Shape(4, 1, 3),
    Conv(4, LARGE, "full"): Shape(4, 23, 25),
    Conv(4, LARGE + 1, "same", stride=3): Shape(4, 4, 5),
}
OTHERS = {
    Dense(7): Shape(7),
    MaxPool(2): Shape(3, 6, 7),
    MaxPool(5, keep_border=True): Shape(3, 3, 3),
    MeanPool(): Shape(3),
}


def projection(specification, in_shape=IMAGE):
    generator = torch.Generator().manual_seed(0)
    return specification.projection(in_shape, generator).double()


def table(shape, n_rows=2, seed=0):
    return normal(n_rows * shape.n_positions, shape.channels, seed=seed)


def test_rows_to_table_and_back():
    rows = normal(2, IMAGE.n_units)
    in_table = IMAGE.table(rows)
    assert in_table.shape == (2 * 12 * 14, 3)
    # row 1, channel 2, site (3, 5)
    assert in_table[12 * 14 + 3 * 14 + 5, 2] == rows[1, 2 * 12 * 14 + 3 * 14 + 5]
    torch.testing.assert_close(IMAGE.samples(in_table), rows, rtol=0, atol=0)
    assert IMAGE.maps(in_table).shape == (2, 3, 12, 14)
    assert Shape(5).table(rows[:, :5]).equal(rows[:, :5])


@pytest.mark.parametrize("layer, out_shape", (CONVOLUTIONS | OTHERS).items())
def test_shapes_up_and_down(layer, out_shape):
    up = projection(layer)
    assert layer.out_shape(IMAGE) == up.out_shape == out_shape
    h = up(table(IMAGE))
    assert h.shape == (2 * out_shape.n_positions, out_shape.channels)
    down = up.way_down(torch.Generator().manual_seed(0)).double()
    assert (down.in_shape, down.out_shape) == (out_shape, IMAGE)
    assert down(h).shape == (2 * IMAGE.n_positions, IMAGE.channels)


@pytest.mark.parametrize("layer", [*CONVOLUTIONS, MeanPool()])
def test_way_down_is_the_transpose_with_the_same_weights(layer):
    up = projection(layer)
    down = up.way_down(torch.Generator().manual_seed(1)).double()
    assert not isinstance(layer, Conv) or not torch.equal(down.weight, up.weight)
    down.load_state_dict(up.state_dict())
    h, signal = table(IMAGE), table(up.out_shape, seed=1)
    torch.testing.assert_close((up(h) * signal).sum(), (h * down(signal)).sum())


def test_dense_way_down_is_the_transpose_with_the_transposed_weights():
    up = projection(Dense(7))
    down = up.way_down(torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        down.weight.copy_(up.weight.T)
    h, signal = table(IMAGE), table(up.out_shape, seed=1)
    torch.testing.assert_close((up(h) * signal).sum(), (h * down(signal)).sum())


@pytest.mark.parametrize("layer", CONVOLUTIONS)
def test_convolution_by_hand(layer):
    up = projection(layer)
    h, n_zeros = table(IMAGE), layer.n_zeros
    padded = F.pad(IMAGE.maps(h), [n_zeros] * 4)
    out = up.out_shape.maps(up(h))
    for row, channel, i, j in [(0, 0, 0, 0), (1, 3, 0, 2), (1, 2, -1, -1)]:
        y, x = (
            (site % size) * layer.stride
            for site, size in zip((i, j), up.out_shape[1:], strict=True)
        )
        window = padded[row, :, y : y + layer.kernel, x : x + layer.kernel]
        expected = (window * up.weight[channel]).sum()
        torch.testing.assert_close(out[row, channel, i, j], expected)


def test_initial_filters_are_uniform():
    weight = projection(Conv(200, 3)).weight
    bound = (3 / (3 * 3**2)) ** 0.5  # ±√(3/fan_in)
    assert 0.99 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(27**-0.5, rel=0.05)


def test_pools_by_hand():
    shape = Shape(1, 4, 3)
    up = projection(MaxPool(2, keep_border=True), shape)
    values = [[1.0, 5, 2], [3, 4, 9], [0, 0, 7], [8, 0, 6]]
    h = torch.tensor(values, dtype=torch.float64).view(-1, 1)
    assert up(h).flatten().tolist() == [5, 9, 8, 7]
    down = up.way_down(None)
    assert down(up(h)).view(4, 3).tolist() == [[5, 5, 9]] * 2 + [[8, 8, 7]] * 2
    # mean, and the published scale of in_width·√3
    square = Shape(2, 3, 3)
    h = table(square)
    mean = square.maps(h).mean(dim=(2, 3))
    torch.testing.assert_close(projection(MeanPool(), square)(h), mean * 3 * 3**0.5)


@pytest.mark.parametrize(
    "layers, message",
    [
        (
            [Conv(4, 13)],
            r"layer 1, .*at least as large as the kernel \(13\); got 12 × 14",
        ),
        ([MaxPool(2), MaxPool(2)], r"layer 2, .*windows of 2 × 2.*got 6 × 7"),
        ([MaxPool(12, keep_border=True), Conv(4, 3)], r"layer 2, .*; got 1 × 2"),
    ],
)
def test_layers_that_do_not_fit(layers, message):
    with pytest.raises(ValueError, match=message):
        Ladder([IMAGE, *layers, 3], [], [0.3] * (2 + len(layers)))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Conv(0, 3), "channels must be a positive integer; got 0"),
        (lambda: Conv(4, 2.5), "kernel must be a positive integer; got 2.5"),
        (lambda: Conv(4, 3, "Valid"), "padding must be one of .*; got 'Valid'"),
        (lambda: Conv(4, 4, "same"), "odd kernel; got 4"),
        (lambda: Conv(4, 3, stride=-1), "stride must be"),
        (lambda: MaxPool(0), "size must be"),
        (lambda: Dense(-3), "width must be"),
    ],
)
def test_bad_specifications(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_each_layer_learns():
    layers = [IMAGE, Conv(4, 3), MaxPool(2), Conv(5, 1), MeanPool(has_gamma=False)]
    network = Ladder(layers, range(5), [0.3] * 5)
    encoder = [
        [name for name, _ in layer.named_parameters()]
        for layer in network.encoder.layers
    ]
    convolution = ["beta", "projection.weight"]
    assert encoder == [convolution, [], convolution, ["beta"]]
    coefficients = [
        tuple(network.decoder.layers[str(number)].combinator.coefficients.shape)
        for number in range(5)
    ]
    assert coefficients == [(10, 3), (10, 4), (10, 4), (10, 5), (10, 5)]
    with_gamma = Ladder([IMAGE, MeanPool()], [], [0.3] * 2).encoder.layers[0]
    assert with_gamma.gamma is not None
