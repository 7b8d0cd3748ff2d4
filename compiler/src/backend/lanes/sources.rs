//! Where stages find the rows that they read: which stage stores them, and what is there of them
//! when a row of outputs is computed.

use super::arriving_rows::{ring, ring_of_map, ring_of_outputs, ring_of_windows};
use super::reason::Reason;
use super::stage::{IndexedRing, NextPixel, StageInput, StoredRing};
use crate::network::{Shape, ValueId};
use crate::plan::{Arrival, AxisTiming, RowsRead, Sink};
use crate::program::{self, Program};
use std::collections::BTreeMap;

/// A map that comes row by row.
#[derive(Clone, Copy, Debug)]
struct Source {
    /// What of it is computed.
    map: Shape,
    /// At which rows of the first map its own come.
    timing: AxisTiming,
    /// The stage that stores it, and where to; `None` where the intake does, byte by byte.
    stored_by: Option<(usize, Sink)>,
}

/// The maps that there are so far.
#[derive(Debug)]
pub(crate) struct Sources {
    sources: BTreeMap<ValueId, Source>,
}

/// What a stage reads of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) input: StageInput,
    /// What of the map is there.
    pub(crate) map: Shape,
    /// The stage before whose row of outputs is stored it reads its oldest row.
    pub(crate) oldest_before: Option<usize>,
}

impl Sources {
    /// The first map.
    pub(crate) fn of_intake(program: &Program) -> Self {
        let map = program.intake.output;
        let source = Source {
            map,
            timing: AxisTiming {
                delay: 0,
                stride: 1,
                count: map.height,
            },
            stored_by: None,
        };
        Self {
            sources: BTreeMap::from([(program.intake.value, source)]),
        }
    }

    /// What a stage of the program makes, which that stage of the code stores.
    pub(crate) fn add(&mut self, stage: &program::Stage, index: usize) {
        let source = Source {
            map: stage.plan.output,
            timing: stage.plan.timing.rows,
            stored_by: Some((index, stage.plan.sink)),
        };
        self.sources.insert(stage.writes, source);
    }

    /// Where the row is that a stage takes in when it is there.
    pub(crate) fn of_rows(
        &self,
        program: &Program,
        stage: &program::Stage,
    ) -> Result<StoredRing, Reason> {
        let source = self.source(stage.input)?;
        self.ring(program, stage.plan.arrival, source)
    }

    /// What the fields of a stage read of the running map.
    pub(crate) fn of_fields(
        &self,
        program: &Program,
        stage: &program::Stage,
    ) -> Result<Read, Reason> {
        let field = &stage.field;
        // A field that has nothing of the map waits for none of it.
        if field.top >= field.kernel.height || field.left >= field.kernel.width {
            return Err(Reason::Streamed);
        }
        let rows = (field.kernel.height, field.top);
        let reading = (stage.input, stage.plan.arrival);
        self.read(program, stage, reading, (rows, field.is_padded()))
    }

    /// What it reads of each map that is joined: the pixel of each output.
    pub(crate) fn of_joined(
        &self,
        program: &Program,
        stage: &program::Stage,
    ) -> Result<Vec<Read>, Reason> {
        let joined = stage.joined.iter().copied();
        let readings = joined.zip(stage.plan.joined.iter().copied());
        readings
            .map(|reading| self.read(program, stage, reading, ((1, 0), false)))
            .collect()
    }

    /// What is read of a map by fields of `field_rows` rows, `above` of which are above the map.
    fn read(
        &self,
        program: &Program,
        stage: &program::Stage,
        (value, arrival): (ValueId, Arrival),
        ((field_rows, above), is_padded): ((u32, u32), bool),
    ) -> Result<Read, Reason> {
        let source = self.source(value)?;
        let Source { map, timing, .. } = source;
        let ring = self.ring(program, arrival, source)?;
        // A row goes over another one, if there are several.
        let is_overwritten = match arrival {
            Arrival::Ring(_) => map.height > 1,
            Arrival::Window(_) | Arrival::Map(_) | Arrival::Bytes | Arrival::Values => false,
        };
        let lead = timing.lead(stage.plan.timing.rows, (field_rows, above));
        let read = RowsRead::of(field_rows, lead, source.stored_by.is_none());
        // A padded field may be higher than the map.
        if ring.pixels < read.rows().min(map.height) * map.width {
            return Err(Reason::Streamed);
        }
        let input = match is_padded || read.beyond > 0 {
            false => StageInput::Ring(ring),
            true => StageInput::Indexed(IndexedRing {
                ring,
                height: map.height,
                timing,
                beyond: read.beyond,
            }),
        };
        Ok(Read {
            input,
            map,
            oldest_before: source
                .stored_by
                .filter(|_| read.oldest_before && is_overwritten)
                .map(|(stage, _)| stage),
        })
    }

    fn source(&self, value: ValueId) -> Result<Source, Reason> {
        self.sources.get(&value).copied().ok_or(Reason::Streamed)
    }

    /// Where the rows of a map are.
    fn ring(
        &self,
        program: &Program,
        arrival: Arrival,
        source: Source,
    ) -> Result<StoredRing, Reason> {
        match (arrival, source.stored_by) {
            (Arrival::Ring(reading), _) => ring(program, reading.ring, source.map.width),
            (Arrival::Window(windows), _) => ring_of_windows(windows, source.map.width),
            (Arrival::Map(_), Some((_, sink))) => ring_of_outputs(program, sink, source.map),
            (Arrival::Map(reading), None) => {
                let next = NextPixel::AfterGridRow;
                ring_of_map(program, reading.value, source.map, next)
            }
            (Arrival::Bytes | Arrival::Values, _) => Err(Reason::Streamed),
        }
    }
}
