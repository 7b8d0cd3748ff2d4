//! States of `G` have 16 bits, which `D` and `G` read; scores end the list.

herringbone::network! {
    Convolved: [8, 8, 3] => < G(16, sequence: all), C1(4,1), D*(10) >,
}

herringbone::network! {
    Added: [8, 8, 3] => < 'states: G(16), D(16), Add('states), D*(10) >,
}

herringbone::network! {
    Branched: [8, 8, 3] => < G(16), Bonsai(2, 10, 10) >,
}

herringbone::network! {
    Scored: [8, 8, 3] => < Bonsai(2, 10, 10), D*(10) >,
}

herringbone::network! {
    Channels: [8, 8, 3] => < G(16, feed: channel_major, sequence: all), D*(10) >,
}

fn main() {}
