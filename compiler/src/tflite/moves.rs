//! Operators that move values, as loops over them.

use crate::program::{AxisPlaces, Block, BlockAxis, BlockSource, Rearrangement};
use herringbone_tflite::operators::{Broadcast, Move, Resize, Slice};

/// What a `Move` does to the map that it reads.
pub(super) fn of_move(it: &Move) -> Rearrangement {
    match it {
        Move::Slice(slice) => of_slice(slice),
        Move::Pad {
            shape,
            around,
            fill,
        } => {
            let sides = shape.iter().zip(around);
            let outputs: Vec<usize> = sides.map(|(side, (a, b))| a + side + b).collect();
            let to_steps = steps(&outputs);
            let before = around.iter().zip(&to_steps);
            let to: usize = before.map(|((before, _), step)| before * step).sum();
            let axes = axes(shape, &to_steps, &steps(shape));
            Rearrangement {
                fill: Some(*fill),
                ..one_block(&outputs, (to, 0), axes)
            }
        }
        Move::Transpose { shape, axes: order } => {
            let outputs: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
            let from = steps(shape);
            let from: Vec<usize> = order.iter().map(|&axis| from[axis]).collect();
            one_block(&outputs, (0, 0), axes(&outputs, &steps(&outputs), &from))
        }
        Move::Resize(resize) => of_resize(resize),
    }
}

/// Operands of which every value meets those of a larger shape, written out in that.
pub(super) fn of_broadcast(it: &Broadcast, operand: usize, source: BlockSource) -> Rearrangement {
    let axes = axes(&it.shape, &steps(&it.shape), &it.steps[operand]);
    let block = Block {
        source,
        from: 0,
        to: 0,
        axes,
    };
    Rearrangement::of_blocks(product(&it.shape), vec![block])
}

/// Whether an operand has a value of its own for each that it meets, in their order.
pub(super) fn is_whole(it: &Broadcast, operand: usize) -> bool {
    let steps = steps(&it.shape);
    let mut sides = it.shape.iter().zip(steps).zip(&it.steps[operand]);
    sides.all(|((&side, step), &of_operand)| side == 1 || of_operand == step)
}

/// That many values as they are.
pub(super) fn run_of(source: BlockSource, count: u32) -> Rearrangement {
    Rearrangement::of_blocks(count, vec![Block::run(source, 0, 0, count)])
}

/// Parts side by side, of that many values each, again and again.
pub(super) fn of_parts(parts: &[(BlockSource, u32)], times: u32) -> Rearrangement {
    let together: u32 = parts.iter().map(|(_, length)| length).sum();
    let mut first = 0;
    let blocks = parts.iter().map(|(source, length)| {
        let axis = |count: u32, to_step: u32, step: u32| BlockAxis {
            count,
            to_step,
            from: AxisPlaces::Step(step as i32),
        };
        let block = Block {
            source: source.clone(),
            from: 0,
            to: first,
            axes: vec![axis(times, together, *length), axis(*length, 1, 1)],
        };
        first += length;
        block
    });
    let blocks = blocks.collect();
    Rearrangement::of_blocks(together * times, blocks)
}

/// The axes that are kept before those that are summed over.
pub(super) fn of_sums_last(shape: &[usize], is_summed: &[bool]) -> Rearrangement {
    let kept = (0..shape.len()).filter(|&axis| !is_summed[axis]);
    let summed = (0..shape.len()).filter(|&axis| is_summed[axis]);
    of_move(&Move::Transpose {
        shape: shape.to_vec(),
        axes: kept.chain(summed).collect(),
    })
}

/// The newest values of a line over its oldest: those go, and `new` ones come after the others.
pub(super) fn of_line(old: u32, new: u32) -> Rearrangement {
    let blocks = vec![
        Block::run(BlockSource::Map(0), new, 0, old),
        Block::run(BlockSource::Map(1), 0, old, new),
    ];
    Rearrangement {
        count: old + new,
        fill: None,
        blocks,
    }
}

/// From which place on a slice takes all values to the last one in their order, if it does.
pub(super) fn tail(it: &Slice) -> Option<usize> {
    let (all, taken): (usize, usize) = (it.shape.iter().product(), it.count.iter().product());
    let first = all.checked_sub(taken)?;
    let mut places = Vec::new();
    of_slice(it).blocks.iter().for_each(|block| {
        // One run is one loop; an empty block has none, and one value none either.
        let is_run = match &block.axes[..] {
            [] => true,
            [axis] => axis.to_step == 1 && axis.from == AxisPlaces::Step(1),
            _ => false,
        };
        places.push((is_run, block.from as usize));
    });
    (places == [(true, first)]).then_some(first)
}

fn of_slice(it: &Slice) -> Rearrangement {
    let from_steps = steps(&it.shape);
    let from: usize = it.begin.iter().zip(&from_steps).map(|(a, b)| a * b).sum();
    let to_steps = steps(&it.count);
    let axes = it.count.iter().zip(&to_steps);
    let axes = axes.zip(it.step.iter().zip(&from_steps));
    let axes = axes.map(|((&count, &to_step), (&step, &from_step))| BlockAxis {
        count: count as u32,
        to_step: to_step as u32,
        from: AxisPlaces::Step(step.saturating_mul(from_step as isize) as i32),
    });
    one_block(&it.count, (0, from), axes.collect())
}

fn of_resize(it: &Resize) -> Rearrangement {
    let [images, height, width, channels] = it.shape;
    let outputs = [images, it.rows.len(), it.columns.len(), channels];
    let (to, from) = (steps(&outputs), steps(&[images, height, width, channels]));
    let listed = |places: &[usize], step: usize| {
        AxisPlaces::Listed(places.iter().map(|place| (place * step) as u32).collect())
    };
    let places = [
        AxisPlaces::Step(from[0] as i32),
        listed(&it.rows, from[1]),
        listed(&it.columns, from[2]),
        AxisPlaces::Step(1),
    ];
    let axes = outputs.iter().zip(to).zip(places);
    let axes = axes.map(|((&count, to_step), from)| BlockAxis {
        count: count as u32,
        to_step: to_step as u32,
        from,
    });
    one_block(&outputs, (0, 0), axes.collect())
}

fn one_block(outputs: &[usize], (to, from): (usize, usize), axes: Vec<BlockAxis>) -> Rearrangement {
    let block = Block {
        source: BlockSource::Map(0),
        from: from as u32,
        to: to as u32,
        axes,
    };
    Rearrangement::of_blocks(product(outputs), vec![block])
}

fn axes(counts: &[usize], to: &[usize], from: &[usize]) -> Vec<BlockAxis> {
    let axes = counts.iter().zip(to).zip(from);
    axes.map(|((&count, &to_step), &step)| BlockAxis {
        count: count as u32,
        to_step: to_step as u32,
        from: AxisPlaces::Step(step as i32),
    })
    .collect()
}

fn product(shape: &[usize]) -> u32 {
    shape.iter().product::<usize>() as u32
}

/// Values from one to the next along each axis.
fn steps(shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        steps[axis - 1] = steps[axis] * shape[axis];
    }
    steps
}
