# SPDX-License-Identifier: Apache-2.0
# The networks of tests/grad/*_cases.hpp once more, as lists for networks.Network; same names, batches and seeds.

T = dict(bias=False)  # the table layer of a layer case


def table(batch, *shape):
    count = 1
    for size in shape:
        count *= size
    return [('input', batch), ('dense', count, T)] + ([('reshape', *shape)] if len(shape) > 1 else [])


def activation(op, *args):
    return table(3, 20) + [(op, *args)]


# name: (batch, fill, layers)
LAYERS = {
    'dense': (3, 'smooth', table(3, 5) + [('dense', 4)]),
    'dense_no_bias': (3, 'smooth', table(3, 7) + [('dense', 3, dict(bias=False))]),
    'conv2d_valid': (2, 'smooth', table(2, 5, 6, 2) + [('conv2d', 3)]),
    'conv2d_same': (2, 'smooth', table(2, 4, 5, 2) + [('conv2d', 3, dict(same=True))]),
    'conv2d_strides': (2, 'smooth', table(2, 6, 5, 2) + [('conv2d', 3, dict(filter=(2, 3), stride=(2, 1), same=True))]),
    'conv2d_dilated': (2, 'smooth', table(2, 7, 6, 2) + [
        ('conv2d', 2, dict(filter=(3, 2), stride=(1, 2), dilation=(2, 3), pads=(1, 2, 0, 3)))]),
    'conv2d_pointwise': (2, 'smooth', table(2, 3, 3, 4) + [('conv2d', 5, dict(filter=(1, 1), bias=False))]),
    'conv1d': (2, 'smooth', table(2, 1, 12, 2) + [
        ('conv2d', 3, dict(filter=(1, 3), stride=(1, 2), dilation=(1, 2), same=True))]),
    'depthwise_conv2d': (2, 'smooth', table(2, 4, 5, 3) + [('depthwise', 1, dict(same=True))]),
    'depthwise_conv2d_multiplier_2': (2, 'smooth', table(2, 7, 6, 2) + [
        ('depthwise', 2, dict(filter=(3, 2), stride=(2, 1), dilation=(1, 2), pads=(2, 0, 1, 2)))]),
    'max_pool': (2, 'distinct', table(2, 4, 6, 2) + [('max_pool',)]),
    'max_pool_overlapping': (2, 'distinct', table(2, 6, 5, 2) + [
        ('max_pool', dict(filter=(3, 3), stride=(2, 1), same=True))]),
    'average_pool': (2, 'smooth', table(2, 4, 6, 2) + [('average_pool',)]),
    'average_pool_overlapping': (2, 'smooth', table(2, 6, 5, 2) + [
        ('average_pool', dict(filter=(3, 3), stride=(2, 1), same=True))]),
    'global_average_pool': (2, 'smooth', table(2, 5, 4, 3) + [('global_average_pool',)]),
    'batch_norm': (5, 'smooth', table(5, 3) + [('batch_norm',)]),
    'batch_norm_image': (2, 'smooth', table(2, 3, 4, 2) + [('batch_norm',), ('tanh',)]),
    'batch_norm_frozen': (2, 'smooth', table(2, 3, 4, 2) + [('batch_norm', dict(trainable=False))]),
    'batch_norm_after_conv': (3, 'smooth', [('input', 3), ('dense', 32, T), ('reshape', 4, 4, 2)] + [
        ('conv2d', 2, dict(bias=False)), ('batch_norm',), ('sigmoid',), ('reshape',), ('dense', 2)]),
    'dropout': (2, 'smooth', table(2, 40) + [('dropout', 0.4), ('dense', 3)]),
    'gaussian_noise': (2, 'smooth', table(2, 40) + [('gaussian_noise', 0.4), ('dense', 3)]),
    'dropout_after_sigmoid': (2, 'smooth', table(2, 20) + [('sigmoid',), ('dropout', 0.25)]),
    'add': (2, 'smooth', table(2, 6) + [
        ('dense', 4, dict(as_='a')), ('tanh',), ('dense', 4), ('add', 'a'), ('dense', 2)]),
    'add_three': (2, 'smooth', [('input', 2), ('dense', 5, dict(bias=False, as_='x')), ('dense', 5, dict(as_='a')),
                                ('sigmoid',), ('add', 'x', 'a')]),
    'add_twice': (2, 'smooth', [('input', 2), ('dense', 4, dict(bias=False, as_='x')), ('add', 'x'), ('silu',)]),
    'residual': (2, 'smooth', table(2, 4, 4, 2) + [
        ('tanh', dict(as_='x')), ('conv2d', 2, dict(same=True)), ('tanh',), ('conv2d', 2, dict(same=True)),
        ('add', 'x'), ('sigmoid',), ('reshape',), ('dense', 2)]),
    'concat': (2, 'smooth', [('input', 2), ('dense', 24, T), ('reshape', 2, 3, 4, dict(as_='x')),
                             ('tanh', dict(as_='t')), ('sigmoid', dict(reads='x')), ('concat', 't', 'x'),
                             ('conv2d', 2, dict(filter=(2, 2)))]),
    'concat_twice': (2, 'smooth', [('input', 2), ('dense', 6, dict(bias=False, as_='x')), ('concat', 'x'),
                                   ('dense', 3)]),
    'three_readers': (2, 'smooth', table(2, 5) + [
        ('tanh', dict(as_='x')), ('dense', 4, dict(as_='a')), ('dense', 4, dict(reads='x', as_='b')),
        ('dense', 4, dict(reads='x')), ('add', 'a', 'b')]),
    'reshape': (2, 'smooth', [('input', 2), ('dense', 12, T), ('reshape', 2, 3, 2, dict(as_='x')),
                              ('conv2d', 2, dict(filter=(2, 2))), ('reshape', dict(as_='f')),
                              ('reshape', dict(reads='x')),
                              ('identity',), ('dense', 4), ('add', 'f')]),
    'identity': (2, 'smooth', table(2, 5) + [('identity',), ('dense', 3), ('identity',)]),
    'sigmoid': (3, 'grid', table(3, 8) + [('sigmoid',)]),
    'tanh': (3, 'smooth', table(3, 8) + [('tanh',)]),
    'relu': (3, 'grid', activation('relu')),
    'leaky_relu': (3, 'grid', activation('leaky_relu', 0.125)),
    'relu6': (3, 'grid', activation('relu6')),
    'silu': (3, 'grid', activation('silu')),
    'gelu': (3, 'grid', activation('gelu')),
    'hard_swish': (3, 'grid', activation('hard_swish')),
    'elu': (3, 'grid', activation('elu')),
    'activations_chained': (2, 'smooth', table(2, 6) + [
        ('silu',), ('tanh',), ('gelu',), ('dense', 5), ('sigmoid',), ('dense', 5), ('leaky_relu', 0.5), ('tanh',)]),
    'rbf': (3, 'smooth', table(3, 4) + [('rbf', 5), ('dense', 2)]),
    'rbf_last': (3, 'smooth', table(3, 3) + [('tanh',), ('rbf', 4)]),
    'softmax_inside': (3, 'smooth', table(3, 6) + [('softmax',), ('dense', 3)]),
    'softmax_last': (3, 'smooth', table(3, 6) + [('softmax',)]),
    'softmax_pixels': (2, 'smooth', table(2, 2, 3, 4) + [('softmax',)]),
    'frozen_middle': (3, 'smooth', table(3, 5) + [
        ('tanh',), ('dense', 4, dict(trainable=False)), ('sigmoid',), ('rbf', 4, dict(trainable=False)), ('dense', 2)]),
    'frozen_convs': (2, 'smooth', table(2, 4, 4, 2) + [
        ('conv2d', 3, dict(trainable=False)), ('tanh',), ('depthwise', 1, dict(filter=(2, 2), trainable=False)),
        ('global_average_pool',), ('dense', 2)]),
}
LAYER_SEEDS = {'activations_chained': 2}

VECTOR = [('input', 5), ('dense', 3), ('tanh',), ('dense', 4)]
ONE = [('input', 5), ('dense', 3), ('tanh',), ('dense', 1)]
IMAGE = [('input', 3, 4, 2), ('conv2d', 2, dict(filter=(2, 2)))]
AUTOENCODER = [('input', 5), ('gaussian_noise', 0.4), ('dense', 3), ('tanh',), ('dense', 5)]
NOISE_INSIDE = [('input', 1, 4, 1), ('gaussian_noise', 0.2, dict(as_='x')),
                ('conv2d', 2, dict(filter=(1, 3), same=True)), ('tanh',), ('gaussian_noise', 0.3),
                ('conv2d', 1, dict(filter=(1, 3), same=True)), ('add', 'x')]
WITH_SOFTMAX = [('input', 5), ('dense', 4), ('softmax',)]
WITH_SIGMOID = [('input', 5), ('dense', 3), ('silu',), ('dense', 1), ('sigmoid',)]
SOFTMAX_PIXELS = [('input', 2, 2, 3), ('conv2d', 3, dict(filter=(1, 1))), ('softmax',)]
PENALIZED = [('input', 4, 4, 2), ('conv2d', 3), ('batch_norm',), ('depthwise', 1, dict(filter=(2, 2))), ('reshape',),
             ('dense', 4), ('rbf', 3), ('dense', 2)]

SE, BCE, CE, KL = 'squared_error', 'binary_cross_entropy', 'softmax_cross_entropy', 'kl_divergence'

# name: (batch, layers, loss, read labels instead of values, options)
LOSSES = {
    'squared_error': (4, VECTOR, SE, False, {}),
    'squared_error_labels': (4, VECTOR, SE, True, {}),
    'squared_error_image': (4, IMAGE, SE, False, {}),
    'squared_error_input': (4, AUTOENCODER, SE, False, dict(target_input=True)),
    'squared_error_sample_weights': (4, VECTOR, SE, False, dict(sample_weights=True)),
    'squared_error_class_weights': (4, VECTOR, SE, True, dict(class_weights=True)),
    'binary_input': (4, NOISE_INSIDE, BCE, False, dict(target_input=True)),
    'binary_labels': (4, ONE, BCE, True, {}),
    'binary_signed_labels': (4, ONE, BCE, True, dict(signed_labels=True)),
    'binary_values': (4, ONE, BCE, False, {}),
    'binary_several_values': (4, VECTOR, BCE, False, {}),
    'binary_signed_values': (4, VECTOR, BCE, False, dict(signed_labels=True)),
    'binary_sigmoid': (4, WITH_SIGMOID, BCE, True, {}),
    'binary_weights': (4, ONE, BCE, True, dict(class_weights=True, sample_weights=True)),
    'binary_signed_weights': (4, ONE, BCE, True, dict(signed_labels=True, class_weights=True)),
    'cross_entropy_labels': (4, VECTOR, CE, True, {}),
    'cross_entropy_values': (4, VECTOR, CE, False, {}),
    'cross_entropy_softmax': (4, WITH_SOFTMAX, CE, True, {}),
    'cross_entropy_image': (4, IMAGE, CE, True, {}),
    'cross_entropy_pixels': (4, SOFTMAX_PIXELS, CE, True, {}),
    'cross_entropy_class_weights': (4, VECTOR, CE, True, dict(class_weights=True)),
    'cross_entropy_sample_weights': (4, VECTOR, CE, True, dict(sample_weights=True)),
    'cross_entropy_weights': (4, VECTOR, CE, True, dict(class_weights=True, sample_weights=True)),
    'cross_entropy_values_weights': (4, VECTOR, CE, False, dict(sample_weights=True)),
    'kl_divergence': (4, VECTOR, KL, False, {}),
    'kl_divergence_softmax': (4, WITH_SOFTMAX, KL, False, dict(sample_weights=True)),
    'micro_batches': (6, VECTOR, CE, True, dict(micro_batch=2)),
    'micro_batches_batch_norm': (9, PENALIZED, CE, True, dict(micro_batch=3)),
    'l2': (4, PENALIZED, CE, True, dict(l2=0.125)),
    'l1': (4, PENALIZED, CE, True, dict(l1=0.0625)),
    'l1_l2_bias': (4, PENALIZED, CE, True, dict(l1=0.0625, l2=0.25, penalize_bias=True)),
    'l1_l2_micro_batches': (3, VECTOR, CE, True, dict(l1=0.0625, l2=0.25, micro_batch=1)),
}
LOSS_SEED = 22

# name: (batch, seed, layers, loss, read labels)
NETWORKS = {
    'mlp': (3, 4, [('input', 6), ('dense', 7), ('relu',), ('dense', 6), ('leaky_relu', 0.25), ('dense', 4)], CE, True),
    'conv_net': (2, 4, [('input', 6, 6, 1), ('conv2d', 2), ('relu',), ('max_pool',), ('conv2d', 3, dict(filter=(2, 2))),
                        ('relu',), ('reshape',), ('dense', 4)], CE, True),
    'mobile': (3, 32, [('input', 6, 6, 2), ('conv2d', 3, dict(stride=(2, 2), same=True, bias=False)), ('batch_norm',),
                       ('hard_swish',), ('depthwise', 1, dict(same=True, bias=False)), ('batch_norm',), ('relu6',),
                       ('conv2d', 3, dict(filter=(1, 1))), ('dropout', 0.25), ('global_average_pool',), ('dense', 4),
                       ('softmax',)], CE, True),
    'residual_net': (3, 14, [('input', 6, 6, 2), ('conv2d', 3, dict(same=True, as_='x')), ('batch_norm',), ('silu',),
                             ('conv2d', 3, dict(same=True)), ('batch_norm',), ('add', 'x', dict(as_='y')), ('gelu',),
                             ('conv2d', 3, dict(filter=(1, 1), same=True)), ('concat', 'x', 'y'), ('average_pool',),
                             ('reshape',), ('dense', 4)], KL, False),
    'sequence': (3, 33, [('input', 16, 3), ('conv2d', 4, dict(filter=(1, 5), stride=(1, 2), same=True)), ('tanh',),
                         ('conv2d', 4, dict(filter=(1, 3), dilation=(1, 2))), ('sigmoid',), ('reshape',),
                         ('dropout', 0.5), ('dense', 1)], BCE, True),
    'rbf_net': (4, 38, [('input', 3), ('rbf', 6), ('dense', 4), ('tanh',), ('dense', 2)], SE, False),
    'transfer': (3, 14, [('input', 6, 6, 1), ('conv2d', 3, dict(trainable=False)),
                         ('batch_norm', dict(trainable=False)), ('relu',), ('max_pool',), ('reshape',),
                         ('dense', 5, dict(trainable=False)), ('relu6',), ('dense', 4),
                         ('silu',), ('dense', 4, dict(trainable=False))], SE, False),
}
