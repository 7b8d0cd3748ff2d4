//! The letters of the list: what each is called, and what it takes. Reading,
//! messages and suggestions all go by this table.

use proc_macro2::Ident;

use crate::syntax::tokens::alternatives;

/// What a layer of the list starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Letter {
    A,
    M,
    C1,
    C2,
    T,
    D,
    R,
    Add,
    Cat,
    G,
    Bonsai,
    Proto,
    Dr,
    N,
}

/// An argument without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Positional {
    /// Output channels of a convolution.
    Channels,
    /// Outputs of a dense layer.
    Outputs,
    Kernel,
    /// A pooling's window, or `all`.
    Window,
    Probability,
    Deviation,
    /// Hidden units of a recurrent cell.
    Hidden,
    /// Branches of a tree.
    Depth,
    /// Values that a tree reads.
    Projected,
    /// Values that prototypes are held against.
    Dimension,
    /// Prototypes.
    Prototypes,
    /// Scores.
    Classes,
    /// `'name`.
    Label,
}

/// An argument with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Stride,
    Padding,
    Add,
    Feed,
    Rank,
    Gate,
    Sequence,
    Sparsity,
    Code,
}

/// How many arguments without a name there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// All of them.
    All,
    /// All, or no parentheses.
    AllOrNone,
    /// The last one once or more often.
    More,
}

/// What a letter takes.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) positional: &'static [Positional],
    pub(super) count: Count,
    pub(super) named: &'static [Named],
    /// Whether an activation follows its sum, which a star leaves out.
    pub(super) has_star: bool,
    /// What other libraries call such a layer, in lower case and without
    /// underscores.
    aliases: &'static [&'static str],
}

const SLIDING: &[Named] = &[Named::Stride, Named::Padding, Named::Add, Named::Code];

impl Letter {
    pub(super) const ALL: [Letter; 14] = [
        Letter::A,
        Letter::M,
        Letter::C1,
        Letter::C2,
        Letter::T,
        Letter::D,
        Letter::R,
        Letter::Add,
        Letter::Cat,
        Letter::G,
        Letter::Bonsai,
        Letter::Proto,
        Letter::Dr,
        Letter::N,
    ];

    pub(super) fn read(name: &Ident) -> Option<Self> {
        let mut letters = Self::ALL.into_iter();
        letters.find(|letter| name == letter.signature().name)
    }

    pub(super) const fn signature(self) -> &'static Signature {
        match self {
            Self::A => &Signature {
                name: "A",
                positional: &[Positional::Window],
                count: Count::AllOrNone,
                named: &[Named::Stride],
                has_star: false,
                aliases: &[
                    "avg",
                    "avgpool",
                    "avgpool2d",
                    "averagepool",
                    "averagepooling2d",
                ],
            },
            Self::M => &Signature {
                name: "M",
                positional: &[Positional::Window],
                count: Count::AllOrNone,
                named: &[Named::Stride],
                has_star: false,
                aliases: &["max", "maxpool", "maxpool2d", "maxpooling2d", "pool"],
            },
            Self::C1 => &Signature {
                name: "C1",
                positional: &[Positional::Channels, Positional::Kernel],
                count: Count::All,
                named: SLIDING,
                has_star: true,
                aliases: &["c", "conv", "conv1d", "conv2d", "convolution"],
            },
            Self::C2 => &Signature {
                name: "C2",
                positional: &[Positional::Channels, Positional::Kernel],
                count: Count::All,
                named: SLIDING,
                has_star: true,
                aliases: &["separable", "separableconv2d", "sepconv"],
            },
            Self::T => &Signature {
                name: "T",
                positional: &[Positional::Kernel],
                count: Count::All,
                named: SLIDING,
                has_star: true,
                aliases: &[
                    "depthwise",
                    "depthwiseconv",
                    "depthwiseconv2d",
                    "dw",
                    "dwconv",
                ],
            },
            Self::D => &Signature {
                name: "D",
                positional: &[Positional::Outputs],
                count: Count::All,
                named: &[Named::Add, Named::Code],
                has_star: true,
                aliases: &["dense", "linear", "fc", "fullyconnected"],
            },
            Self::R => &Signature {
                name: "R",
                positional: &[Positional::Kernel],
                count: Count::All,
                named: &[Named::Code],
                has_star: false,
                aliases: &["residual", "residualblock", "res", "resblock"],
            },
            Self::Add => &Signature {
                name: "Add",
                positional: &[Positional::Label],
                count: Count::All,
                named: &[],
                has_star: true,
                aliases: &["sum", "plus", "shortcut", "skip"],
            },
            Self::Cat => &Signature {
                name: "Cat",
                positional: &[Positional::Label],
                count: Count::More,
                named: &[],
                has_star: false,
                aliases: &["concat", "concatenate", "concatenation"],
            },
            Self::G => &Signature {
                name: "G",
                positional: &[Positional::Hidden],
                count: Count::All,
                named: &[
                    Named::Feed,
                    Named::Rank,
                    Named::Gate,
                    Named::Sequence,
                    Named::Sparsity,
                ],
                has_star: false,
                aliases: &["gru", "rnn", "lstm", "fastgrnn", "fastrnn", "recurrent"],
            },
            Self::Bonsai => &Signature {
                name: "Bonsai",
                positional: &[
                    Positional::Depth,
                    Positional::Projected,
                    Positional::Classes,
                ],
                count: Count::All,
                named: &[Named::Gate, Named::Sparsity, Named::Code],
                has_star: false,
                aliases: &["tree", "decisiontree"],
            },
            Self::Proto => &Signature {
                name: "Proto",
                positional: &[
                    Positional::Dimension,
                    Positional::Prototypes,
                    Positional::Classes,
                ],
                count: Count::All,
                named: &[Named::Sparsity, Named::Code],
                has_star: false,
                aliases: &["protonn", "prototypes", "knn"],
            },
            Self::Dr => &Signature {
                name: "Dr",
                positional: &[Positional::Probability],
                count: Count::AllOrNone,
                named: &[],
                has_star: false,
                aliases: &["dropout", "drop"],
            },
            Self::N => &Signature {
                name: "N",
                positional: &[Positional::Deviation],
                count: Count::All,
                named: &[],
                has_star: false,
                aliases: &["noise", "gaussian", "gaussiannoise"],
            },
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.signature().name
    }

    /// Whether it takes an argument of that name.
    pub(super) fn takes(self, named: Named) -> bool {
        self.signature().named.contains(&named)
    }

    /// How it is written with all arguments but those with names: `` `C1(n,k)` ``.
    pub(super) fn longest_form(self) -> String {
        let Signature {
            name,
            positional,
            count,
            ..
        } = self.signature();
        let names: Vec<&str> = positional.iter().map(|it| it.name()).collect();
        let names = names.join(",");
        match count {
            Count::All | Count::AllOrNone => format!("`{name}({names})`"),
            Count::More => format!("`{name}({names}, …)`"),
        }
    }

    /// The same, and without the arguments that may be left out: `` `A` or `A(k)` ``.
    pub(super) fn form(self) -> String {
        let (name, longest) = (self.name(), self.longest_form());
        match self.signature().count {
            Count::All | Count::More => longest,
            Count::AllOrNone => format!("`{name}` or {longest}"),
        }
    }

    /// The same and the names of the other arguments.
    pub(super) fn full_form(self) -> String {
        let named = self.signature().named;
        let names: Vec<String> = named.iter().map(|it| format!("`{}`", it.name())).collect();
        match &names[..] {
            [] => self.form(),
            names => format!("{}, and by name {}", self.form(), alternatives(names)),
        }
    }
}

impl Positional {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Channels | Self::Outputs => "n",
            Self::Kernel | Self::Window => "k",
            Self::Probability => "p",
            Self::Deviation => "sigma",
            Self::Hidden => "h",
            Self::Depth => "depth",
            Self::Projected => "p",
            Self::Dimension => "d",
            Self::Prototypes => "m",
            Self::Classes => "classes",
            Self::Label => "'name",
        }
    }

    /// What it is, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Channels | Self::Outputs => "outputs n",
            Self::Kernel => "kernel k",
            Self::Window => "a window",
            Self::Probability => "a probability",
            Self::Deviation => "a standard deviation",
            Self::Hidden => "hidden units h",
            Self::Depth => "a depth",
            Self::Projected => "projected values p",
            Self::Dimension => "projected values d",
            Self::Prototypes => "prototypes m",
            Self::Classes => "classes",
            Self::Label => "the label of a map",
        }
    }
}

impl Named {
    pub(super) const ALL: [Named; 9] = [
        Named::Stride,
        Named::Padding,
        Named::Add,
        Named::Feed,
        Named::Rank,
        Named::Gate,
        Named::Sequence,
        Named::Sparsity,
        Named::Code,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Stride => "stride",
            Self::Padding => "padding",
            Self::Add => "add",
            Self::Feed => "feed",
            Self::Rank => "rank",
            Self::Gate => "gate",
            Self::Sequence => "sequence",
            Self::Sparsity => "sparsity",
            Self::Code => "code",
        }
    }

    /// What its value looks like.
    pub(super) const fn form(self) -> &'static str {
        match self {
            Self::Stride => "from 1 to 4, such as `2`, or rows x columns, such as `1x2`",
            Self::Padding => "`same`, or pixels on each side, such as `1`",
            Self::Add => "the label of a map, such as `'skip`",
            Self::Feed => "`rows`, `row_major`, `channel_major` or `multi`",
            Self::Rank => "from 1 to 255, such as `8`, or input x state, such as `8x6`",
            Self::Gate => "the function, such as `hard`",
            Self::Sequence => "`all`, for the state of each step",
            Self::Sparsity => {
                "the share of weights that are 0, at least 0 and less than 1, such as `0.7`"
            }
            Self::Code => crate::syntax::Key::Code.form(),
        }
    }

    /// Why a letter does not take it.
    pub(super) const fn why_not(self) -> &'static str {
        match self {
            Self::Stride => "it has no window that moves",
            Self::Padding => "it has no kernel over a map's edge",
            Self::Add => "it has no sum to which a map could be added",
            Self::Feed | Self::Sequence => "only `G` goes step by step",
            Self::Rank => "it has no two matrices that could be products, as `G` has",
            Self::Gate => "only `G` and `Bonsai` have a gate",
            Self::Sparsity => "only `G`, `Bonsai` and `Proto` are trained with sparse weights",
            Self::Code => "it has no weights whose form to choose",
        }
    }
}

/// The names of all letters.
pub(super) fn names() -> String {
    Letter::ALL.map(Letter::name).join(", ")
}

/// Other names for something that is an argument of a letter, and what to write.
const FORMS: &[(&[&str], &str)] = &[
    (
        &[
            "gap",
            "globalpool",
            "globalavgpool",
            "globalaveragepool",
            "globalaveragepooling2d",
            "adaptiveavgpool2d",
        ],
        "A(all)",
    ),
    (&["gmp", "globalmaxpool", "globalmaxpooling2d"], "M(all)"),
];

/// What is no layer here, and what to do instead.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["relu", "relu6", "activation"],
        "a ReLU follows every layer with weights that has no star: leave it out",
    ),
    (
        &["softmax", "sigmoid", "argmax"],
        "the class is the largest result: leave it out",
    ),
    (
        &["flatten", "reshape"],
        "`D` reads a map of any shape: leave it out",
    ),
    (
        &["batchnorm", "batchnorm2d", "bn", "batchnormalization"],
        "training folds it into weights and biases: leave it out",
    ),
    (
        &["pad", "padding", "same", "zeropad2d", "zeropadding2d"],
        "padding is an argument of a layer, such as `C1(8,3, padding: same)`",
    ),
];

/// Why a name is no letter, and what is likely meant.
pub(super) fn unknown(name: &Ident) -> String {
    let written = name.to_string();
    let plain = written.to_lowercase().replace('_', "");
    let is_plain = |names: &[&str]| names.contains(&plain.as_str());
    if let Some((_, advice)) = ADVICE.iter().find(|(names, _)| is_plain(names)) {
        return format!("unknown layer `{written}`: {advice}");
    }
    let form = FORMS.iter().find(|(names, _)| is_plain(names));
    let letter = || {
        let mut letters = Letter::ALL.into_iter();
        letters.find(|letter| {
            is_plain(letter.signature().aliases) || letter.name().to_lowercase() == plain
        })
    };
    let meant = form
        .map(|(_, form)| format!("`{form}`"))
        .or_else(|| Some(letter()?.likely_form()));
    match meant {
        Some(meant) => format!(
            "unknown layer `{written}`: did you mean {meant}? expected one of {}",
            names()
        ),
        None => format!("unknown layer `{written}`: expected one of {}", names()),
    }
}

impl Letter {
    /// What is likely meant by another name for it.
    fn likely_form(self) -> String {
        match self {
            Self::A | Self::M | Self::C1 | Self::C2 | Self::D | Self::Dr => {
                format!("`{}`", self.name())
            }
            Self::T
            | Self::R
            | Self::Add
            | Self::Cat
            | Self::G
            | Self::Bonsai
            | Self::Proto
            | Self::N => self.form(),
        }
    }
}
