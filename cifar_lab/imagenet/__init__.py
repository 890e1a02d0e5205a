"""ImageNet, as far as it is here: the names of its 1,000 classes, and a network that has learnt from its photographs.

    from cifar_lab.imagenet import labels, network, weights
    weights.fetch()                               # 14.5 MB, once
    model = network.network()                     # MobileNetV2: 224 x 224 pixels in, 1,000 probabilities out

The photographs themselves are not here: they may not be passed on.
"""
