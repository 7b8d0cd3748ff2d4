//! A declaration as it was written: every part with its tokens, so that any
//! later stage's error can point at them.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Visibility};

use super::keys::Key;
use super::list::Letter;
use crate::declaration::{CodeChoice, PlanChoice, SlidingWindow};
use crate::diagnostic::Diagnostics;
use crate::features::Features;
use crate::network::{Bits, Entry, LayerId, Shape};
use crate::planned::{Origin, Problem};
use crate::program::Accumulator;
use crate::target::Target;
use crate::weights::{WeightsPath, WeightsValue};

/// One declaration. Parts that are missing or wrong are `None`, and reported.
#[derive(Clone, Debug)]
pub struct NetworkAst {
    /// Doc comments and any other attributes.
    pub attributes: Vec<Attribute>,
    /// The visibility of the type.
    pub visibility: Visibility,
    /// The name of the type.
    pub name: Ident,
    /// `[height, width, channels]`.
    pub input: InputAst,
    pub list: ListAst,
    /// The path that is there in place of input and list.
    pub model: Option<ModelAst>,
    /// The keys in the order of the text, each once.
    pub keys: Vec<KeyAst>,
    /// What the keys say.
    pub values: Values,
}

impl NetworkAst {
    /// What was written after a key.
    pub fn value_of(&self, key: Key) -> Option<&TokenStream> {
        let entry = self.keys.iter().find(|entry| entry.key == key)?;
        Some(&entry.value)
    }
}

/// A model's file.
#[derive(Clone, Debug)]
pub struct ModelAst {
    /// The path as it was written.
    pub tokens: TokenStream,
    /// `None` where that is wrong.
    pub path: Option<WeightsPath>,
}

/// The input's shape.
#[derive(Clone, Debug, Default)]
pub struct InputAst {
    pub tokens: TokenStream,
    /// `None` when a dimension is missing or wrong.
    pub shape: Option<Shape>,
    /// The product of the dimensions, wrong as they may be.
    pub values: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct ListAst {
    /// From `<` to `>`.
    pub tokens: TokenStream,
    /// One entry an item: layers, and labels that the list goes on from.
    pub items: Vec<ItemAst>,
}

/// One item of the list.
#[derive(Clone, Debug, Default)]
pub struct ItemAst {
    /// The item as it was written, with its label.
    pub tokens: TokenStream,
    /// Its source text without needless spaces, and without its label: `C1(8,3)`.
    pub text: String,
    /// `'name:` before it.
    pub label: Option<LabelAst>,
    /// Whether it is a label alone, without a position in the weights file.
    pub goes_on: bool,
    /// Its letter, where that is known.
    pub(super) letter: Option<Letter>,
    /// The argument `n`, or nothing.
    pub outputs_tokens: TokenStream,
    /// The argument `k`, or nothing where it is left out.
    pub kernel_tokens: TokenStream,
    /// The value of `stride`, or nothing.
    pub stride_tokens: TokenStream,
    /// The value of `padding`, or nothing.
    pub padding_tokens: TokenStream,
    /// The labels that it reads, those of a wrong layer too.
    pub reads: Vec<LabelAst>,
    /// The value of `n`, out of range as it may be.
    pub outputs: Option<u32>,
    /// The value of its own `code`, or nothing.
    pub code_tokens: TokenStream,
    /// Its own `code`; `None` where that is left out or wrong.
    pub code: Option<CodeChoice>,
    /// `None` when the item is wrong.
    pub entry: Option<Entry>,
}

/// A label.
#[derive(Clone, Debug)]
pub struct LabelAst {
    /// The apostrophe and the name.
    pub tokens: TokenStream,
    /// Without the apostrophe.
    pub name: String,
}

impl ListAst {
    /// Every layer: the items with a position in the weights file.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = &ItemAst> {
        self.items.iter().filter(|item| !item.goes_on)
    }

    /// The item of that layer.
    fn layer(&self, id: LayerId) -> Option<&ItemAst> {
        self.layers().nth(id.0)
    }
}

impl ItemAst {
    /// Whether it has no meaning but in training.
    pub(super) fn is_training_only(&self) -> bool {
        match &self.entry {
            Some(Entry::Layer { kind, labels: _ }) => kind.is_training_only(),
            Some(Entry::From(_) | Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_))
            | None => false,
        }
    }

    /// The place of a label that it reads; the item where that is not known.
    pub(super) fn read_tokens(&self, name: &str) -> &TokenStream {
        let mut labels = self.reads.iter().filter(|label| label.name == name);
        labels.next().map_or(&self.tokens, |label| &label.tokens)
    }

    /// The place of its own label; the item where it has none.
    pub(super) fn label_tokens(&self) -> &TokenStream {
        self.label
            .as_ref()
            .map_or(&self.tokens, |label| &label.tokens)
    }
}

/// One key with its value.
#[derive(Clone, Debug)]
pub struct KeyAst {
    pub key: Key,
    /// Its name in the text.
    pub name: Ident,
    /// The tokens of its value.
    pub value: TokenStream,
}

/// What the keys say; `None` where a key is left out or its value is wrong.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// `target`.
    pub target: Option<&'static Target>,
    /// `sram`, in bytes.
    pub sram_bytes: Option<u32>,
    /// `flash`, in bytes.
    pub flash_bytes: Option<u32>,
    /// `weights`.
    pub weights: Option<WeightsValue>,
    /// `bits`.
    pub bits: Option<Bits>,
    /// `reserve`.
    pub reserve: ReserveAst,
    /// `results`.
    pub results: Option<Accumulator>,
    /// `plan`.
    pub plan: Option<PlanAst>,
    /// `code`.
    pub code: Option<CodeChoice>,
    /// `window`.
    pub window: Option<SlidingWindow>,
    /// `features`.
    pub features: Option<Features>,
    /// `sparsity`.
    pub sparsity: Option<f64>,
}

/// The value of `reserve`; `None` where it does not say, or is wrong.
#[derive(Clone, Debug, Default)]
pub struct ReserveAst {
    /// Of SRAM: `sram`, or the value alone.
    pub sram: Option<BytesAst>,
    /// Of flash: `flash`.
    pub flash: Option<BytesAst>,
}

/// The value of `plan`.
#[derive(Clone, Debug)]
pub struct PlanAst {
    /// What it asks for.
    pub choice: PlanChoice,
    /// The number of layers to stream, or nothing.
    pub layers_tokens: TokenStream,
    /// The name of the order of the others, or nothing.
    pub order_tokens: TokenStream,
}

/// A number of bytes.
#[derive(Clone, Debug)]
pub struct BytesAst {
    pub tokens: TokenStream,
    pub bytes: u32,
}

impl NetworkAst {
    /// What a problem is about.
    pub fn tokens_of(&self, origin: Origin) -> Option<&TokenStream> {
        match origin {
            Origin::Input => Some(&self.input.tokens),
            Origin::Weights => self.value_tokens(Key::Weights),
            Origin::Results => self.value_tokens(Key::Results),
            Origin::Code => self.value_tokens(Key::Code),
            Origin::Layer(layer) => Some(self.layer_tokens(layer)),
        }
    }

    /// Adds all problems to `errors`, each at what it is about.
    pub fn report(&self, problems: &[Problem], errors: &mut Diagnostics) {
        for problem in problems {
            errors.error(self.tokens_of(problem.origin), &problem.message);
        }
    }

    /// The layer as it was written.
    pub fn layer_tokens(&self, id: LayerId) -> &TokenStream {
        let layer = self.list.layer(id);
        layer.map_or(&self.list.tokens, |layer| &layer.tokens)
    }

    /// The layer's `n`; the layer where it has none.
    pub fn outputs_tokens(&self, id: LayerId) -> &TokenStream {
        match self.list.layer(id) {
            Some(layer) if !layer.outputs_tokens.is_empty() => &layer.outputs_tokens,
            Some(_) | None => self.layer_tokens(id),
        }
    }

    /// The tokens of a key's value, when the key was given.
    pub fn value_tokens(&self, key: Key) -> Option<&TokenStream> {
        self.keys
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// Where the weights file is, when the key was given, is right and names one.
    pub fn weights_file(&self) -> Option<&WeightsPath> {
        match &self.values.weights {
            Some(WeightsValue::File(path)) => Some(path),
            Some(WeightsValue::Runtime) | None => None,
        }
    }
}

/// A declaration whose name may be missing.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Option<Ident>,
    pub(super) input: InputAst,
    pub(super) list: ListAst,
    pub(super) model: Option<ModelAst>,
    pub(super) keys: Vec<KeyAst>,
    pub(super) values: Values,
}

impl Source {
    pub(super) fn key(&self, key: Key) -> Option<&KeyAst> {
        self.keys.iter().find(|entry| entry.key == key)
    }

    pub(super) fn into_ast(self) -> Option<NetworkAst> {
        let Self {
            attributes,
            visibility,
            name,
            input,
            list,
            model,
            keys,
            values,
        } = self;
        Some(NetworkAst {
            attributes,
            visibility,
            name: name?,
            input,
            list,
            model,
            keys,
            values,
        })
    }
}
