//! What every network can do, for code that is generic over networks.

use crate::results::{Logit, Results};

/// A network that [`network!`](crate::network) declares, with weights. Its type
/// has these methods and constants itself; the trait is for generic code.
///
/// ```
/// use herringbone::Network;
///
/// /// Takes bytes; returns the class of the input that they complete.
/// fn receive<N: Network>(network: &mut N, bytes: &[u8]) -> Option<usize> {
///     let (results, _) = network.push_slice(bytes)?;
///     Some(N::class_of(&results))
/// }
/// # herringbone::network! { Any: [4, 4, 1] => < D*(3) >, weights: runtime }
/// # assert_eq!(receive(&mut Any::new(), &[0; 15]), None);
/// ```
///
/// A network that is declared without `weights` has constants only, and does not
/// implement it.
pub trait Network {
    /// An input: `[u8; INPUT_LEN]`, rows of pixels, channels last.
    type Input: AsRef<[u8]> + ?Sized;
    /// `i16` or `i32`.
    type Logit: Logit;
    /// All results: `[Self::Logit; OUTPUT_LEN]`.
    type Output: AsRef<[Self::Logit]> + Copy;

    /// Bytes of an input: its height × width × channels.
    const INPUT_LEN: usize;
    /// Results of an inference.
    const OUTPUT_LEN: usize;

    /// Forgets what was pushed: the next byte is the first of an input.
    fn begin(&mut self);

    /// Takes the next byte of an input; after the last one, computes the results.
    fn push(&mut self, next_byte: u8) -> Option<Self::Output>;

    /// As [`Self::push`]; the results stay in the network's own memory.
    fn push_in_place(&mut self, next_byte: u8) -> Option<Results<'_, Self::Logit>>;

    /// Takes the next bytes of an input, up to its last one: then gives the
    /// results, and the bytes after it, which begin the next input.
    fn push_slice<'b>(&mut self, next_bytes: &'b [u8]) -> Option<(Self::Output, &'b [u8])>;

    /// As [`Self::push_slice`]; the results stay in the network's own memory.
    fn push_slice_in_place<'b>(
        &mut self,
        next_bytes: &'b [u8],
    ) -> Option<(Results<'_, Self::Logit>, &'b [u8])>;

    /// The results of the last [`Self::push_in_place`] or [`Self::push_slice_in_place`]; `None` if
    /// the network was used since.
    fn results(&self) -> Option<Results<'_, Self::Logit>>;

    /// One of [`Self::results`]; `None` if there are none, or from
    /// [`Self::OUTPUT_LEN`] on.
    fn result(&self, result_index: usize) -> Option<Self::Logit> {
        self.results()?.get(result_index)
    }

    /// The class: the index of the first largest of [`Self::results`]; `None` if
    /// there are none.
    fn class(&self) -> Option<usize> {
        Some(self.results()?.class())
    }

    /// The results for an input.
    fn run(&mut self, input_bytes: &Self::Input) -> Self::Output;

    /// The class of an input: the index of the first largest result.
    fn classify(&mut self, input_bytes: &Self::Input) -> usize {
        Self::class_of(&self.run(input_bytes))
    }

    /// The index of the first largest result.
    #[must_use]
    fn class_of(results: &Self::Output) -> usize {
        crate::sum::first_largest(results.as_ref())
    }
}

/// What only a network with weights takes: no type is one. It lets a call of
/// `run` on a design to size say what is missing.
#[diagnostic::on_unimplemented(
    message = "`{N}` has no weights, so it can't run",
    label = "without weights, a network has constants only",
    note = "add `weights: \"FILE.safetensors\"` to its declaration, which `cargo herringbone train` \
            makes, or `weights: runtime`"
)]
#[doc(hidden)]
pub trait TakenByWeighted<N: ?Sized> {}

/// What only a network takes whose layers compute as rows arrive: no type is one. It lets a call of
/// `step` on another network that begins with a recurrent cell say what is missing.
#[diagnostic::on_unimplemented(
    message = "`{N}` computes when its input is complete, so it can't take a step",
    label = "`step` is of networks that compute as rows arrive",
    note = "add `plan: streamed` to its declaration; after its cells, which step by rows, layers may \
            read the last state alone"
)]
#[doc(hidden)]
pub trait TakenByStreamed<N: ?Sized> {}

/// What only a network takes whose results follow from last states: no type is one. It lets a call of
/// `step` on a network that begins with a recurrent cell say why no plan has it.
#[diagnostic::on_unimplemented(
    message = "`{N}` makes its results of the states of every row, so it can't take a step",
    label = "`step` keeps the last state alone",
    note = "leave out `sequence: all` of the last cell in its declaration: then each row, from an input's \
            last one on, has results for all rows so far"
)]
#[doc(hidden)]
pub trait TakenByLastState<N: ?Sized> {}
