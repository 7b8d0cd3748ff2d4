//! Several networks on one chip: what they need together, and an arena that they share.

use crate::Network;

/// What a network, or several that share an arena, needs of its chip: of every
/// generated type. Not for use by hand.
#[derive(Clone, Copy)]
pub struct Needs {
    /// Its name.
    pub name: &'static str,
    /// Whether it is known: of a declaration with errors, nothing is.
    pub is_right: bool,
    /// The part that it is for, or nothing where bytes were given.
    pub part: Option<&'static str>,
    /// SRAM that its declaration says there is, in bytes; `None` on a host.
    pub sram_given_bytes: Option<u32>,
    /// Flash that its declaration says there is, in bytes; `None` on a host.
    pub flash_given_bytes: Option<u32>,
    /// Its size.
    pub state_bytes: u32,
    /// SRAM kept for the stack and the rest of the firmware.
    pub reserve_bytes: u32,
    /// Its code and tables.
    pub flash_bytes: u32,
    /// Flash kept for the rest of the firmware.
    pub flash_reserve_bytes: u32,
    /// Whether `flash_bytes` has the code in it; else, tables alone.
    pub counts_code: bool,
}

/// A type with needs.
pub trait OnChip {
    /// Them.
    const NEEDS: Needs;
}

/// What holds a network of that type when it is asked to: a type that
/// [`shared_arena!`](crate::shared_arena) makes.
pub trait Holds<N: Network> {
    /// The network, waiting for an input's first byte.
    fn begin(&mut self) -> &mut N;
}

/// Refuses networks that need more together than their chip has.
///
/// # Panics
/// At compile time: where they do, and where they are for different chips or for none.
#[track_caller]
pub const fn check_chip(networks: &[Needs]) {
    let mut given = None;
    let mut at = 0;
    while at < networks.len() {
        let network = networks[at];
        if !network.is_right {
            return;
        }
        if network.sram_given_bytes.is_some() || network.flash_given_bytes.is_some() {
            match given {
                None => given = Some(network),
                Some(first) if is_for_same_chip(&first, &network) => {}
                Some(first) => {
                    let message = Message::new("networks of one chip are for different ones: `")
                        .text(first.name)
                        .text("` for ")
                        .owner(&first)
                        .text(", `")
                        .text(network.name)
                        .text("` for ")
                        .owner(&network);
                    panic!("{}", message.as_str())
                }
            }
        }
        at += 1;
    }
    let Some(chip) = given else {
        panic!("none of these networks says what its chip has: give each its `target`")
    };
    if let Some(given_bytes) = chip.sram_given_bytes {
        let message = too_large(networks, &chip, given_bytes, Memory::Sram);
        if let Some(message) = message {
            panic!("{}", message.as_str())
        }
    }
    if let Some(given_bytes) = chip.flash_given_bytes {
        let message = too_large(networks, &chip, given_bytes, Memory::Flash);
        if let Some(message) = message {
            panic!("{}", message.as_str())
        }
    }
}

/// What networks need that share an arena: the largest of their sizes, and a byte that
/// says which of them is there.
pub const fn shared(name: &'static str, networks: &[Needs]) -> Needs {
    let mut all = networks[0];
    let mut at = 1;
    while at < networks.len() {
        let network = networks[at];
        all.state_bytes = larger(all.state_bytes, network.state_bytes);
        all.reserve_bytes = larger(all.reserve_bytes, network.reserve_bytes);
        all.flash_bytes = all.flash_bytes.saturating_add(network.flash_bytes);
        all.flash_reserve_bytes = larger(all.flash_reserve_bytes, network.flash_reserve_bytes);
        all.counts_code &= network.counts_code;
        all.is_right &= network.is_right;
        at += 1;
    }
    all.name = name;
    all.state_bytes = all.state_bytes.saturating_add(1);
    all
}

#[derive(Clone, Copy)]
enum Memory {
    Sram,
    Flash,
}

impl Memory {
    const fn of(self, network: &Needs) -> u32 {
        match self {
            Memory::Sram => network.state_bytes,
            Memory::Flash => network.flash_bytes,
        }
    }

    const fn reserve_of(self, network: &Needs) -> u32 {
        match self {
            Memory::Sram => network.reserve_bytes,
            Memory::Flash => network.flash_reserve_bytes,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Memory::Sram => " bytes of SRAM",
            Memory::Flash => " bytes of flash",
        }
    }

    const fn of_reserve(self) -> &'static str {
        match self {
            Memory::Sram => " of reserve (the deepest stack, once, and the rest of the firmware)",
            Memory::Flash => " of reserve (for the rest of the firmware)",
        }
    }

    const fn what_to_do(self) -> &'static str {
        match self {
            Memory::Sram => {
                "; what would help: `plan: smallest` for the largest, or `herringbone::shared_arena!` \
                 for those that never run at once"
            }
            Memory::Flash => "; what would help: `code: table`, or fewer outputs or bits",
        }
    }
}

/// The message where the networks need more than is given.
const fn too_large(
    networks: &[Needs],
    chip: &Needs,
    given_bytes: u32,
    memory: Memory,
) -> Option<Message> {
    let (mut sum_bytes, mut reserve_bytes) = (0_u32, 0);
    let mut counts_code = true;
    let mut at = 0;
    while at < networks.len() {
        sum_bytes = sum_bytes.saturating_add(memory.of(&networks[at]));
        reserve_bytes = larger(reserve_bytes, memory.reserve_of(&networks[at]));
        counts_code &= networks[at].counts_code;
        at += 1;
    }
    let needed_bytes = sum_bytes.saturating_add(reserve_bytes);
    if needed_bytes <= given_bytes {
        return None;
    }
    let mut message = Message::new("over budget: the networks of this chip need ")
        .number(needed_bytes)
        .text(memory.name())
        .text(" together, and ")
        .owner(chip)
        .text(" has ")
        .number(given_bytes)
        .text(": ");
    let mut at = 0;
    while at < networks.len() {
        message = message
            .text("`")
            .text(networks[at].name)
            .text("` ")
            .number(memory.of(&networks[at]))
            .text(", ");
        at += 1;
    }
    if let (Memory::Flash, false) = (memory, counts_code) {
        message = message.text("tables alone, ");
    }
    message = message
        .text("and ")
        .number(reserve_bytes)
        .text(memory.of_reserve())
        .text(memory.what_to_do());
    Some(message)
}

const fn larger(one: u32, other: u32) -> u32 {
    if one > other { one } else { other }
}

const fn is_for_same_chip(one: &Needs, other: &Needs) -> bool {
    let same_part = match (one.part, other.part) {
        (Some(one), Some(other)) => is_same(one.as_bytes(), other.as_bytes()),
        (None, None) => true,
        _ => false,
    };
    same_part
        && is_same_number(one.sram_given_bytes, other.sram_given_bytes)
        && is_same_number(one.flash_given_bytes, other.flash_given_bytes)
}

const fn is_same_number(one: Option<u32>, other: Option<u32>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        (None, None) => true,
        _ => false,
    }
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A text that is put together at compile time; what is beyond its end is left out.
struct Message {
    bytes: [u8; Message::MOST_BYTES],
    length: usize,
}

impl Message {
    const MOST_BYTES: usize = 1024;

    const fn new(text: &str) -> Self {
        let empty = Self {
            bytes: [0; Self::MOST_BYTES],
            length: 0,
        };
        empty.text(text)
    }

    const fn text(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        if self.length + bytes.len() <= Self::MOST_BYTES {
            let mut at = 0;
            while at < bytes.len() {
                self.bytes[self.length] = bytes[at];
                self.length += 1;
                at += 1;
            }
        }
        self
    }

    const fn number(self, number: u32) -> Self {
        let mut digits = [0; 10];
        let (mut rest, mut first) = (number, digits.len());
        loop {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let (_, digits) = digits.split_at(first);
        match core::str::from_utf8(digits) {
            Ok(digits) => self.text(digits),
            Err(_) => self,
        }
    }

    const fn owner(self, network: &Needs) -> Self {
        self.text(match network.part {
            Some(part) => part,
            None => "the budget",
        })
    }

    const fn as_str(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.length);
        match core::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => "over budget",
        }
    }
}

/// Adds up what several networks on one chip need, and refuses more than it has.
///
/// Each network's own budget counts that network alone. With this, their values and
/// their flash are added up; the reserve, in which the deepest stack is, counts once.
/// It makes no items: keep each network wherever you want to.
///
/// ```
/// # mod digits { herringbone::network! { pub Digits: [28, 28, 1] => < A, C1(5,3), M, D*(10) >, target: atmega328p } }
/// # mod gestures { herringbone::network! { pub Gestures: [1, 32, 3] => < C1(4,1x5), M(1x4), D*(3) >, target: atmega328p } }
/// use digits::Digits;
/// use gestures::Gestures;
///
/// herringbone::chip! { [Digits, Gestures] }
/// ```
///
/// # Errors
/// At compile time: networks that need more SRAM or flash together than there is, or
/// that are for different chips. On parts whose code is not counted, flash is that of
/// tables alone.
///
/// ```compile_fail
/// # herringbone::network! { pub First: [28, 28, 1] => < C1(8,3), M, D*(10) >, target: atmega328p, plan: row_major }
/// # herringbone::network! { pub Second: [28, 28, 1] => < C1(8,3), M, D*(10) >, target: atmega328p, plan: row_major }
/// herringbone::chip! { [First, Second] }
/// ```
#[macro_export]
macro_rules! chip {
    ([$($network:ty),+ $(,)?]) => {
        const _: () = $crate::__private::check_chip(&[
            $(<$network as $crate::__private::OnChip>::NEEDS),+
        ]);
    };
    ($($other:tt)*) => {
        ::core::compile_error! {
            "expected the types of the chip's networks: `herringbone::chip! { [Digits, Gestures] }`"
        }
    };
}

/// Makes a type in which networks that never run at once share their memory: one of
/// them is there at a time, and its size is that of the largest, and a byte.
///
/// ```
/// # mod digits { herringbone::network! { pub Digits: [28, 28, 1] => < A, C1(5,3), M, D*(10) >, weights: runtime } }
/// # mod gestures { herringbone::network! { pub Gestures: [1, 32, 3] => < C1(4,1x5), M(1x4), D*(3) >, weights: runtime } }
/// use digits::Digits;
/// use gestures::Gestures;
///
/// herringbone::shared_arena! {
///     /// A digit or a gesture, whichever is looked for.
///     pub Either: [Digits, Gestures]
/// }
///
/// let mut either = Either::new();
/// let digits = either.begin::<Digits>();
/// assert_eq!(digits.push(0), None);
/// assert_eq!(size_of::<Either>(), size_of::<Digits>().max(size_of::<Gestures>()) + 1);
/// ```
///
/// `begin` gives a network that waits for an input's first byte. Where another one was
/// there, whatever that kept is gone, parameters that were loaded at run time too. In
/// [`chip!`](crate::chip), such a type stands for all its networks.
#[macro_export]
macro_rules! shared_arena {
    ($(#[$attribute:meta])* $visibility:vis $name:ident: [$first:ident $(, $other:ident)+ $(,)?] $(,)?) => {
        $crate::shared_arena! { @ $(#[$attribute])* $visibility $name, $first [$first $($other)+] }
    };
    (@ $(#[$attribute:meta])* $visibility:vis $name:ident, $first:ident [$($network:ident)+]) => {
        $(#[$attribute])*
        $visibility enum $name {
            $(
                #[doc(hidden)]
                $network($network)
            ),+
        }

        impl $name {
            /// An arena in which the first network waits for an input's first byte.
            #[must_use]
            pub const fn new() -> Self {
                Self::$first(<$first>::new())
            }

            /// The network of that type, waiting for an input's first byte. What another
            /// one kept is gone.
            #[inline]
            pub fn begin<N: $crate::Network>(&mut self) -> &mut N
            where
                Self: $crate::Holds<N>,
            {
                <Self as $crate::Holds<N>>::begin(self)
            }
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $crate::__private::OnChip for $name {
            const NEEDS: $crate::__private::Needs = $crate::__private::shared(
                ::core::stringify!($name),
                &[$(<$network as $crate::__private::OnChip>::NEEDS),+],
            );
        }

        $(
            impl $crate::Holds<$network> for $name {
                #[inline]
                fn begin(&mut self) -> &mut $network {
                    if !::core::matches!(self, Self::$network(_)) {
                        *self = Self::$network(<$network>::new());
                    }
                    match self {
                        Self::$network(network) => {
                            <$network as $crate::Network>::begin(network);
                            network
                        }
                        _ => ::core::unreachable!(),
                    }
                }
            }
        )+

        const _: () = ::core::assert!(
            ::core::mem::size_of::<$name>()
                <= <$name as $crate::__private::OnChip>::NEEDS.state_bytes as usize
        );
    };
    ($($other:tt)*) => {
        ::core::compile_error! {
            "expected a name and the types of the networks: \
             `herringbone::shared_arena! { pub Either: [Digits, Gestures] }`"
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs {
        name: "First",
        is_right: true,
        part: Some("atmega328p"),
        sram_given_bytes: Some(2048),
        flash_given_bytes: Some(32768),
        state_bytes: 900,
        reserve_bytes: 200,
        flash_bytes: 10_000,
        flash_reserve_bytes: 2048,
        counts_code: true,
    };

    const SECOND: Needs = Needs {
        name: "Second",
        state_bytes: 948,
        reserve_bytes: 100,
        ..NEEDS
    };

    #[test]
    fn the_stack_counts_once() {
        check_chip(&[NEEDS, SECOND]);
    }

    #[test]
    #[should_panic = "need 2049 bytes of SRAM together, and atmega328p has 2048: `First` 901, \
                      `Second` 948, and 200 of reserve"]
    fn a_byte_too_many_is_refused() {
        let first = Needs {
            state_bytes: 901,
            ..NEEDS
        };
        check_chip(&[first, SECOND]);
    }

    #[test]
    #[should_panic = "need 32769 bytes of flash together, and atmega328p has 32768"]
    fn flash_adds_up() {
        let second = Needs {
            flash_bytes: 20_721,
            ..SECOND
        };
        check_chip(&[NEEDS, second]);
    }

    #[test]
    #[should_panic = "`First` for atmega328p, `Second` for attiny85"]
    fn networks_of_one_chip_are_for_that_chip() {
        let second = Needs {
            part: Some("attiny85"),
            ..SECOND
        };
        check_chip(&[NEEDS, second]);
    }

    #[test]
    #[should_panic = "give each its `target`"]
    fn a_chip_is_known() {
        let host = Needs {
            part: None,
            sram_given_bytes: None,
            flash_given_bytes: None,
            ..NEEDS
        };
        check_chip(&[host]);
    }

    #[test]
    fn a_shared_arena_is_as_large_as_its_largest_network() {
        let both = shared("Both", &[NEEDS, SECOND]);
        assert_eq!((both.state_bytes, both.reserve_bytes), (949, 200));
        assert_eq!(both.flash_bytes, 20_000);
    }
}
