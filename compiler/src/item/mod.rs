//! The generated type: its constants, its methods, and the stub that stands
//! for it where the declaration is wrong.

mod api;
mod code;
mod features;
mod metadata;
mod model;
mod needs;
mod step;
mod stream;
mod stub;
mod warning;

pub(crate) use model::{ModelItem, emit as emit_model};
pub(crate) use needs::of_model as needs_of_model;
pub(crate) use stub::{Known, model_stub, stub};
pub(crate) use warning::warning;

use crate::backend::portable;
use crate::budget::Design;
use crate::declaration::{Declaration, WeightsSource};
use crate::planned::Planned;
use crate::program::Program;
use crate::report;
use crate::syntax::NetworkAst;
use crate::weights::WeightsPath;
use api::{Api, Figures, Flash, accessors};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use stream::{Fields, Stream};
use syn::Attribute;

const LOGITS: &str =
    " The results are logits: the sums of the last layer, neither rounded nor clamped.";
const ACTIVATIONS: &str = " The results are the activations of the last layer.";

/// The `#[cfg]`s of a type, which every item generated with it needs too.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<&Attribute> {
    let conditions = attributes.iter();
    conditions
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect()
}

/// The type of a correct declaration. Without weights it has every constant and
/// no `run`.
///
/// `program` is that of what runs when an input is complete: of the layers after those that
/// windows share, where they do.
pub(crate) fn emit(
    path: &TokenStream,
    ast: &NetworkAst,
    declaration: &Declaration,
    planned: &Planned,
    program: &Program,
) -> TokenStream {
    let sharing = planned.sharing.as_ref();
    // What the type's own arena and cursor are of.
    let (own, design) = match sharing {
        Some(sharing) => (&sharing.trailing.declaration, &sharing.trailing.design),
        None => (declaration, &planned.design),
    };
    let stream = Stream::of(declaration, sharing);
    let picture = picture(&ast.name, own, design, program);
    let cursor_sizes = portable::cursor_sizes(program);
    // A design to size has no code.
    let program = planned.accumulators.as_ref().map(|_| program);
    let NetworkAst {
        attributes,
        visibility,
        name,
        ..
    } = ast;
    let conditions = conditions(attributes);
    let mut plan_table = report::markdown(declaration, planned);
    if program.is_none() {
        plan_table.push_str("\nA network to size: without `weights` it has no `run`.\n");
    }
    let arena_bytes = Literal::u32_unsuffixed(design.plan.arena_bytes);
    let state_bytes = Literal::u32_unsuffixed(planned.state_bytes());
    let cursor_bytes = Literal::u32_unsuffixed(design.plan.cursor_bytes());
    let network = &declaration.network;
    let stored_as = portable::stored_results(program);
    let api = Api {
        path,
        name,
        input_len: Literal::u32_unsuffixed(network.input().values()),
        classes: Literal::u32_unsuffixed(network.output().values()),
        logit: declaration.logit(stored_as),
        has_windows: stream.has_windows(),
        meaning: if network.gives_logits() {
            LOGITS
        } else {
            ACTIVATIONS
        },
    };
    let constants = api.constants(&Figures {
        arena_bytes: planned.arena_bytes(),
        sram_bytes: planned.sram_bytes(),
        stack_bytes: planned.stack_bytes(),
        flash: match design.footprint.code {
            Some(_) => Flash::Counted(planned.flash_bytes()),
            None => Flash::TablesAlone(planned.flash_bytes()),
        },
        macs: network.multiply_accumulates(),
        plan: report::text_of(&name.to_string(), declaration, planned),
    });
    let loaded = declaration.weights == WeightsSource::Runtime;
    let parameter_bytes = Literal::u32_unsuffixed(design.parameter_bytes);
    let (mut fields, mut zeros) = (TokenStream::new(), TokenStream::new());
    let mut accessors_of_parameters = None;
    if loaded {
        plan_table.push_str(PARAMETERS);
        fields.extend(quote!(params: [::core::primitive::u8; #parameter_bytes],));
        zeros.extend(quote!(params: [0; #parameter_bytes],));
        accessors_of_parameters = Some(accessors(&parameter_bytes));
    }
    if design.results_bytes > 0 {
        let results_bytes = Literal::u32_unsuffixed(design.results_bytes);
        fields.extend(quote!(kept_results: [::core::primitive::u8; #results_bytes],));
        zeros.extend(quote!(kept_results: [0; #results_bytes],));
    }
    let Fields {
        fields: of_stream,
        values: at_start,
    } = stream.fields(&api);
    fields.extend(of_stream);
    zeros.extend(at_start);
    let features = network.features();
    if let Some(features) = features {
        let state = features::state(path, features);
        fields.extend(quote!(features: #state,));
        zeros.extend(quote!(features: <#state>::new(),));
    }
    // Elsewhere than on AVR samples are aligned, and so is the network where its code loads words.
    let alignment = code::alignment(design);
    let of_samples = if features.is_some() { 2 } else { 0 };
    let padding_bytes = Literal::u32_unsuffixed(of_samples.max(alignment.bytes - 1));
    let aligned = alignment.attribute;
    let code = program.map(|program| code::emit(&api, design, program, features));
    let take = program.map(|_| stream.take(&api, declaration));
    let (step_function, step) = step::emit(&api, &stream, network, program);
    let methods = match program {
        Some(_) => {
            let methods = api.methods();
            let whole_input = api.whole_input_methods(None, &quote!(Self::INPUT_LEN));
            quote!(#methods #whole_input)
        }
        None => api.without_weights(),
    };
    let labels = metadata::labels(&planned.metadata);
    let normalisation = planned.metadata.normalisation.as_ref();
    let channel = stream.channel(declaration);
    let raw = match (program, features) {
        (None, _) => None,
        (Some(_), Some(features)) => {
            let fallback = features.default_normalisation(network.input());
            let normalisation = normalisation.unwrap_or(&fallback);
            Some(features::methods(&api, features, normalisation, &channel))
        }
        (Some(_), None) => normalisation.map(|it| metadata::raw(&api, it, &channel)),
    };
    let samples = features.map(|features| features::constant(features, network.input()));
    let network_trait = program.map(|_| api.network_trait());
    let tracked = ast.weights_file().map(WeightsPath::tracking_tokens);
    let refusal = code::refusal(&api, declaration, design);
    let needs = needs::needs(&api, declaration, planned);
    let layout = format!(
        "the layout of `{name}` is not as planned: a network takes no attribute that changes it"
    );
    quote! {
        #(#attributes)*
        #[doc = ""]
        #[doc = #plan_table]
        #picture
        #[repr(C)]
        #aligned
        #visibility struct #name {
            cursor: #path::__private::Cursor<#cursor_sizes>,
            arena: [::core::primitive::u8; #arena_bytes],
            #fields
        }

        #(#conditions)*
        const _: () = {
            use ::core::primitive::{bool, i16, i32, str, u32, u64, u8, usize};
            use #path::__private as herringbone_runtime;

            #tracked
            #refusal
            const _: () = ::core::assert!(
                ::core::mem::size_of::<#name>().abs_diff(#state_bytes) <= #padding_bytes
                    && ::core::mem::offset_of!(#name, arena) == #cursor_bytes,
                #layout
            );
            // A type that nobody has made yet is no dead code.
            const _: fn() -> #name = #name::new;
            #code
            #take
            #step_function

            impl #name {
                #constants
                #samples

                /// A network that waits for the first byte of an input.
                ///
                /// The value is the network's whole working memory. Keep it in a static,
                /// and pass references: a move may copy all of it over the stack, which
                /// `SRAM_BYTES` does not count.
                #[must_use]
                pub const fn new() -> Self {
                    Self {
                        cursor: herringbone_runtime::Cursor::new(),
                        arena: [0; #arena_bytes],
                        #zeros
                    }
                }

                #accessors_of_parameters
                #methods
                #step
                #labels
                #raw
            }

            impl ::core::default::Default for #name {
                fn default() -> Self {
                    Self::new()
                }
            }

            #network_trait
            #needs
        };
    }
}

/// The memory plan as a picture in the type's rustdoc; nowhere else, for editors
/// show documentation too, and no pictures in it.
fn picture(
    name: &Ident,
    declaration: &Declaration,
    design: &Design,
    program: &Program,
) -> TokenStream {
    let network = &declaration.network;
    let arena = report::picture_fits_rustdoc(network)
        .then(|| report::ArenaOverTime::of(network, program))
        .flatten();
    let picture = match arena {
        Some(arena) => {
            let picture = report::Picture {
                name: &name.to_string(),
                declaration,
                design,
                program,
                arena: &arena,
            };
            report::rustdoc_picture(&picture)
        }
        None => "The network is too large for a picture here: `cargo herringbone plan FILE \
                  --svg OUT` draws it."
            .to_owned(),
    };
    quote! {
        #[cfg_attr(doc, doc = "")]
        #[cfg_attr(doc, doc = #picture)]
    }
}

/// The rustdoc of parameters that are loaded at run time.
const PARAMETERS: &str = "
# Parameters
Weights, biases and shifts are loaded at run time, through `params_mut`. `cargo xtask params` or \
`herringbone_compiler::pack_parameters` makes these bytes from a weights file. Until then they are \
zero bytes, and the results mean nothing; no bytes at all are unsound. For each layer with \
weights, in the order of the list (`C2` and `R` have two such blocks; of `C2` the depthwise one \
comes first):

| bytes | |
|---|---|
| 1 | `left`: bits to shift a sum up by, before the bias |
| 1 | `right`: bits to shift it down by, after the bias |
| 1, only with `add:` or of `Add` | `skip`: bits to shift the added map up by |
| 1 or 2 for each output, as `bits` says | biases, two's complement, little-endian |
| a row for each value that is read | weights |

A row has one weight for each output (in a depthwise kernel: one for each channel, and a row is a \
tap's). It starts at a byte, and holds `8 / bits` weights in each byte, low bits first, each as \
`w + 2^(bits − 1)`. Rows are in the order `[tap][input]`; those of a dense layer are in the order \
in which its input is stored.
";
