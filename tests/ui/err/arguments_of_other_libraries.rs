//! Strides and paddings have names, and a global pooling is an argument.

herringbone::network! {
    pub A: [28, 28, 1] => < C1(8,3,2), D*(10) >
}

herringbone::network! {
    pub B: [28, 28, 1] => < C1(8,3,same), D*(10) >
}

herringbone::network! {
    pub C: [28, 28, 1] => < C1(8,3), G, D*(10) >
}

herringbone::network! {
    pub D: [28, 28, 1] => < Conv2D(8,3), BatchNorm, ReLU, MaxPool(2), Depthwise(3), Flatten, D*(10) >
}

fn main() {}
