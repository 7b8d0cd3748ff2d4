// What there is to begin with. The first one is the README's network.

const network = (text) => `herringbone::network! {\n${text.trim().split('\n').map((line) => `    ${line}`).join('\n')}\n}\n`;

export const EXAMPLES = [
  {
    name: 'digits', title: 'Digits on an Arduino Uno', weights: 'digits.safetensors',
    text: network(`
/// A handwritten digit, 28×28 grey levels, to its class.
pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
target: atmega328p,
weights: "digits.safetensors",`),
  },
  {
    name: 'over', title: 'An error: too large for its chip', weights: null,
    text: network(`
/// A handwritten digit, 28×28 grey levels, to its class.
pub Digits: [28, 28, 1] => < A, C1(5,3), C1(180,3), C1(11,3), M, D*(10) >,
target: atmega328p,`),
  },
  {
    name: 'tiny85', title: 'Digits on an ATtiny85', weights: 'tiny85.safetensors',
    text: network(`
/// The weights are tables, and every pixel goes through all layers as it is read.
pub Digits: [28, 28, 1] => < C1(8,3), M, C1(12,3), C1(12,3), M, D*(10) >,
target: attiny85,
weights: "tiny85.safetensors",
plan: streamed,
code: table,
reserve: { sram: 103 },`),
  },
  {
    name: 'accurate', title: 'Digits, right more often', weights: 'accurate.safetensors',
    text: network(`
/// Of the image as it is, not of its averages.
pub Digits: [28, 28, 1] => < C1(12,3), C1(12,3), M, C1(24,3), C1(24,3), M, D*(10) >,
target: atmega328p,
weights: "accurate.safetensors",
plan: streamed,`),
  },
  {
    name: 'residual', title: 'A residual network', weights: 'residual.safetensors',
    text: network(`
/// A residual network, the one that is right most often.
pub Digits: [28, 28, 1] => <
    C1(12,3), C1(12,3), M, C1(24,3), C1(24,3), M, R(3), D*(10)
>,
target: atmega328p,
weights: "residual.safetensors",`),
  },
  {
    name: 'mega', title: 'Digits on an Arduino Mega, 8-bit weights', weights: 'mega.safetensors',
    text: network(`
/// More than 71,000 weights of 8 bits.
pub Digits: [28, 28, 1] => < A, C1(16,3), M, C1(32,3), D(128), D*(10, code: table) >,
target: atmega2560,
weights: "mega.safetensors",
bits: { weights: 8 },`),
  },
  {
    name: 'gesture', title: 'A time series: gestures', weights: 'gesture.safetensors',
    text: network(`
/// A gesture, from the newest 64 samples of an accelerometer with three axes.
pub Gesture: [1, 64, 3] => < C1(8,1x5), M(1x2), C1(12,1x5), M(1x2), C1(16,1x3), M(1x4), D*(5) >,
window: { length: 64, stride: 16 },
bits: { activations: 8 },
target: atmega328p,
weights: "gesture.safetensors",`),
  },
  {
    name: 'branches', title: 'Branches: a graph to size', weights: null,
    text: network(`
/// Pictures of 32×32 pixels in colour, to ten classes.
pub Pictures: [32, 32, 3] => <
    'stem: C1(16,3, padding: same),
    T(3, padding: same), C1(16,1, add: 'stem),
    'half: C1(32,3, stride: 2, padding: same),
    R(3),
    C1*(32,3, padding: same), Add('half),
    A(all), D*(10)
>,
target: atmega1284p,`),
  },
];
