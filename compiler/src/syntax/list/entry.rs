//! From the arguments of a layer to its entry in the network's list.

use super::letter::Letter;
use crate::network::{
    Activation, Add, Bonsai, Concat, Convolution, Dense, Depthwise, Dropout, Entry, Feed, Gate,
    Kernel, Kind, Noise, Padding, Pool, PoolFunction, PoolWindow, Proto, Prototypes, Rank,
    Recurrent, Separable, Sequence, Stride, Tree, TreeGate, Window,
};
use crate::syntax::ast::LabelAst;

/// What the arguments of a layer say; `None` where they say nothing, or are wrong.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) outputs: Option<u32>,
    pub(super) kernel: Option<Kernel>,
    pub(super) window: Option<WindowSize>,
    pub(super) share: Option<f64>,
    pub(super) labels: Vec<LabelAst>,
    pub(super) stride: Option<Stride>,
    pub(super) padding: Option<Padding>,
    pub(super) add: Option<LabelAst>,
    pub(super) depth: Option<u32>,
    pub(super) projected: Option<u32>,
    pub(super) prototypes: Option<u32>,
    pub(super) feed: Option<Feed>,
    pub(super) rank: Option<Rank>,
    pub(super) gate: Option<Gate>,
    pub(super) sequence: Option<Sequence>,
    pub(super) sparsity: Option<f64>,
}

#[derive(Clone, Copy)]
pub(super) enum WindowSize {
    Sized(Kernel),
    All,
}

impl Arguments {
    /// The entry of a letter, when no argument that it needs is missing.
    pub(super) fn entry(&self, letter: Letter, activation: Activation) -> Option<Entry> {
        let Arguments {
            outputs,
            kernel,
            window,
            share,
            labels,
            stride,
            padding,
            add,
            depth,
            projected,
            prototypes,
            feed,
            rank,
            gate,
            sequence,
            sparsity,
        } = self;
        let sparsity = sparsity.unwrap_or(0.0);
        let adds = add.is_some();
        let windows = kernel.map(|kernel| Window {
            kernel,
            stride: stride.unwrap_or(Stride::ONE),
            padding: padding.unwrap_or(Padding::NONE),
        });
        let pool = |function| {
            let window = match window.unwrap_or(WindowSize::Sized(Pool::DEFAULT_KERNEL)) {
                WindowSize::All => PoolWindow::All,
                WindowSize::Sized(kernel) => PoolWindow::Sized {
                    kernel,
                    stride: stride.unwrap_or(Stride::of(kernel)),
                },
            };
            Kind::Pool(Pool { function, window })
        };
        let kind = match letter {
            Letter::A => pool(PoolFunction::Average),
            Letter::M => pool(PoolFunction::Maximum),
            Letter::C1 => Kind::Convolution(Convolution {
                outputs: (*outputs)?,
                window: windows?,
                activation,
                adds,
            }),
            Letter::C2 => Kind::Separable(Separable {
                outputs: (*outputs)?,
                window: windows?,
                activation,
                adds,
            }),
            Letter::T => Kind::Depthwise(Depthwise {
                window: windows?,
                activation,
                adds,
            }),
            Letter::D => Kind::Dense(Dense {
                outputs: (*outputs)?,
                activation,
                adds,
            }),
            Letter::R => return Some(Entry::Residual { kernel: (*kernel)? }),
            Letter::Add => Kind::Add(Add { activation }),
            Letter::Cat => Kind::Concat(Concat),
            Letter::G => Kind::Recurrent(Recurrent {
                hidden: (*outputs)?,
                feed: feed.unwrap_or(Feed::Rows),
                rank: *rank,
                gate: gate.unwrap_or(Gate::Hard),
                sequence: sequence.unwrap_or(Sequence::Last),
                sparsity,
            }),
            Letter::Bonsai => {
                return Some(Entry::Bonsai(Bonsai {
                    projected: (*projected)?,
                    tree: Tree {
                        depth: (*depth)?,
                        classes: (*outputs)?,
                        gate: match gate {
                            Some(Gate::Hard) => TreeGate::Hard,
                            Some(Gate::Tanh | Gate::Sigmoid) | None => TreeGate::Tanh,
                        },
                        sparsity,
                    },
                }));
            }
            Letter::Proto => {
                return Some(Entry::Proto(Proto {
                    projected: (*projected)?,
                    prototypes: Prototypes {
                        count: (*prototypes)?,
                        classes: (*outputs)?,
                        sparsity,
                    },
                }));
            }
            Letter::Dr => Kind::Dropout(Dropout {
                probability: share.unwrap_or(Dropout::DEFAULT_PROBABILITY),
            }),
            Letter::N => Kind::Noise(Noise {
                deviation: (*share)?,
            }),
        };
        let labels = labels.iter().chain(add);
        Some(Entry::Layer {
            kind,
            labels: labels.map(|label| label.name.clone()).collect(),
        })
    }
}
