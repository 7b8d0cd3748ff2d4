//! Values that are moved: what operators do that compute nothing, and what joins maps that do not
//! meet pixel by pixel.

/// Where each value of a map comes from that is made of others. Places are those of values, row by
/// row, channels last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rearrangement {
    /// Values that it makes.
    pub count: u32,
    /// What all of them are that no block sets.
    pub fill: Option<i8>,
    /// What sets the others, in order. One that reads the place that it writes goes forwards and
    /// never reads what it wrote.
    pub blocks: Vec<Block>,
}

/// Values that are moved in nested loops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where they are.
    pub source: BlockSource,
    /// The place of the first one there.
    pub from: u32,
    /// The place where it goes.
    pub to: u32,
    /// The loops, the outermost first.
    pub axes: Vec<BlockAxis>,
}

/// Where values are that are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockSource {
    /// In that one of the maps that are read; 0 is the running one.
    Map(usize),
    /// In the file.
    Constant(Vec<i8>),
}

/// A loop over values that are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockAxis {
    /// How often it goes around: at least once.
    pub count: u32,
    /// Places from one to the next where they go.
    pub to_step: u32,
    /// The same where they are.
    pub from: AxisPlaces,
}

/// Places along an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisPlaces {
    /// As many from one to the next, forwards or backwards.
    Step(i32),
    /// Each one's, counted from the block's first.
    Listed(Vec<u32>),
}

impl Rearrangement {
    /// All of the values of a map as they are.
    pub fn copy(count: u32) -> Self {
        Self::of_blocks(count, vec![Block::run(BlockSource::Map(0), 0, 0, count)])
    }

    /// Blocks that set every value.
    pub fn of_blocks(count: u32, blocks: Vec<Block>) -> Self {
        Self {
            count,
            fill: None,
            blocks: blocks.into_iter().map(Block::joined).collect(),
        }
    }

    /// Bytes of the constants that it moves, and of the places that it lists.
    pub fn table_bytes(&self) -> u64 {
        let blocks = self.blocks.iter().map(|block| {
            let constants = match &block.source {
                BlockSource::Map(_) => 0,
                BlockSource::Constant(values) => values.len() as u64,
            };
            let listed = block.axes.iter().map(|axis| match &axis.from {
                AxisPlaces::Step(_) => 0,
                AxisPlaces::Listed(places) => 4 * places.len() as u64,
            });
            constants + listed.sum::<u64>()
        });
        blocks.sum()
    }

    /// What it makes of the values of the maps that it reads.
    ///
    /// # Panics
    /// Where those have fewer values than it reads.
    pub fn apply(&self, maps: &[Vec<i8>]) -> Vec<i8> {
        let mut made = vec![self.fill.unwrap_or(0); self.count as usize];
        for block in &self.blocks {
            let values = match &block.source {
                BlockSource::Map(index) => &maps[*index],
                BlockSource::Constant(values) => values,
            };
            block.moves(&mut |to, from| made[to as usize] = values[from as usize]);
        }
        made
    }
}

impl Block {
    /// That many values side by side.
    pub fn run(source: BlockSource, from: u32, to: u32, count: u32) -> Self {
        Self {
            source,
            from,
            to,
            axes: vec![BlockAxis {
                count,
                to_step: 1,
                from: AxisPlaces::Step(1),
            }],
        }
    }

    /// Every place that it writes, and the place that it reads for it.
    pub fn moves(&self, each: &mut impl FnMut(u32, u32)) {
        self.along(0, self.to, self.from, each);
    }

    fn along(&self, axis: usize, to: u32, from: u32, each: &mut impl FnMut(u32, u32)) {
        let Some(loops) = self.axes.get(axis) else {
            return each(to, from);
        };
        for turn in 0..loops.count {
            let read = match &loops.from {
                AxisPlaces::Step(step) => from.wrapping_add_signed(step * turn as i32),
                AxisPlaces::Listed(places) => from + places[turn as usize],
            };
            self.along(axis + 1, to + turn * loops.to_step, read, each);
        }
    }

    /// The same in as few loops as can be.
    fn joined(mut self) -> Self {
        let mut axes: Vec<BlockAxis> = Vec::new();
        for axis in self
            .axes
            .into_iter()
            .filter(|axis| axis.count != 1 || axis.shifts())
        {
            let together = axes.last().and_then(|outer| outer.with(&axis));
            match (together, axes.last_mut()) {
                (Some(together), Some(outer)) => *outer = together,
                (_, _) => axes.push(axis),
            }
        }
        self.axes = axes;
        self
    }
}

impl BlockAxis {
    /// Whether its only turn is not at the place where the block begins.
    fn shifts(&self) -> bool {
        match &self.from {
            AxisPlaces::Step(_) => false,
            AxisPlaces::Listed(places) => places[..] != [0],
        }
    }

    /// This loop with another in it as one, if that is a loop.
    fn with(&self, inner: &Self) -> Option<Self> {
        let (AxisPlaces::Step(outer_step), AxisPlaces::Step(step)) = (&self.from, &inner.from)
        else {
            return None;
        };
        let spans = |outer: i64, inner_step: i64| outer == inner_step * i64::from(inner.count);
        let is_one = spans(self.to_step.into(), inner.to_step.into())
            && spans((*outer_step).into(), (*step).into());
        is_one.then(|| Self {
            count: self.count * inner.count,
            to_step: inner.to_step,
            from: AxisPlaces::Step(*step),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(count: u32, to_step: u32, step: i32) -> BlockAxis {
        BlockAxis {
            count,
            to_step,
            from: AxisPlaces::Step(step),
        }
    }

    #[test]
    fn loops_that_go_on_where_the_last_ended_are_one() {
        let block = Block {
            source: BlockSource::Map(0),
            from: 6,
            to: 0,
            axes: vec![axis(2, 6, 12), axis(3, 2, 2), axis(2, 1, 1)],
        };
        let values: Vec<i8> = (0..24).collect();
        let found = Rearrangement::of_blocks(12, vec![block]);
        assert_eq!(found.blocks[0].axes, [axis(2, 6, 12), axis(6, 1, 1)]);
        let expected: Vec<i8> = (6..12).chain(18..24).collect();
        assert_eq!(found.apply(&[values]), expected);
    }
}
