//! Values of maps that are moved.

use crate::flash::Flash;

/// Moves `count` values that are side by side, as if all were read before one is written.
#[inline(always)]
pub fn move_values(arena: &mut [u8], to: usize, from: usize, count: usize) {
    let end = from.wrapping_add(count);
    let room = arena.len().wrapping_sub(count);
    if from <= end && end <= arena.len() && to <= room {
        arena.copy_within(from..end, to);
    }
}

/// Makes `count` values side by side the same.
#[inline(always)]
pub fn fill_values(arena: &mut [u8], first: usize, count: usize, value: u8) {
    if let Some(values) = arena.get_mut(first..first.wrapping_add(count)) {
        values.fill(value);
    }
}

/// Copies `count` values of a table, from `from` on.
#[inline(always)]
pub fn copy_constants<const N: usize>(
    arena: &mut [u8],
    to: usize,
    table: &'static Flash<u8, N>,
    from: usize,
    count: usize,
) {
    if let Some(values) = arena.get_mut(to..to.wrapping_add(count)) {
        for (value, constant) in values.iter_mut().zip(table.bytes_from(from)) {
            *value = constant;
        }
    }
}

/// Some of the results, from `first` on.
#[inline(always)]
pub fn part<const N: usize>(results: &[i8], first: usize) -> [i8; N] {
    let mut part = [0; N];
    for (value, result) in part.iter_mut().zip(results.iter().skip(first)) {
        *value = *result;
    }
    part
}

/// The same values in a constant, to make an arena of that is no table.
#[must_use]
pub const fn with_values<const N: usize>(
    mut arena: [u8; N],
    first: usize,
    values: &[u8],
) -> [u8; N] {
    let mut index = 0;
    while index < values.len() {
        arena[first + index] = values[index];
        index += 1;
    }
    arena
}
