//! A firmware's network on this machine, as the compiler's interpreter computes it.

use anyhow::{Context, Result, bail};
use herringbone_compiler::Planned;
use herringbone_compiler::backend::interpreter;
use herringbone_compiler::features::Features;
use herringbone_compiler::network::Shape;
use herringbone_compiler::program::Program;
use herringbone_compiler::syntax;
use herringbone_compiler::weights::Scale;

use crate::declaration;
use crate::firmware::Firmware;
use crate::paths;

/// The network of a firmware that reads a sensor.
pub struct Computed {
    program: Program,
    input: Shape,
    features: Option<Features>,
    scales: Vec<Scale>,
    names: Vec<String>,
    /// Bytes of SRAM that its design needs, the reserve included.
    pub sram_bytes: u64,
    /// Bytes of the network's code and tables in flash, as expected.
    pub flash_bytes: u64,
}

impl Computed {
    /// That of `firmware`, with the weights that its declaration names.
    ///
    /// # Errors
    /// When the declaration or its weights are wrong, or say nothing of classes and inputs.
    pub fn of(firmware: &Firmware) -> Result<Self> {
        let folder = paths::root().join(firmware.folder);
        let parsed = syntax::parse(declaration::tokens(firmware)?);
        let (ast, declaration) = parsed
            .ast
            .zip(parsed.declaration)
            .with_context(|| format!("the declaration of {} is wrong", firmware.name))?;
        let weights = ast
            .weights_file()
            .map(|path| path.locate_in(&folder, |_| Err(std::env::VarError::NotPresent)));
        let planned = Planned::of(&declaration, weights);
        if let Some(problem) = planned.problems.first() {
            bail!("{}: {}", firmware.name, problem.message);
        }
        let names = planned.metadata.class_names.clone();
        let normalisation = planned.metadata.normalisation.clone();
        Ok(Self {
            program: planned.program(&declaration),
            input: declaration.network.input(),
            features: declaration.network.features().copied(),
            scales: normalisation
                .context("the weights say nothing of the input")?
                .scales,
            names,
            sram_bytes: planned.sram_bytes().into(),
            flash_bytes: planned.flash_bytes(),
        })
    }

    /// The name of the class of an input that is made of those samples, as a sensor gives them.
    ///
    /// # Errors
    /// When they are not as many as an input needs.
    pub fn name(&self, samples: &[i16]) -> Result<&str> {
        let of_features = self.features.map(|it| it.of_samples(samples));
        let counts = of_features.as_deref().unwrap_or(samples);
        let channels = self.input.channels as usize;
        let bytes: Vec<u8> = counts
            .iter()
            .enumerate()
            .map(|(place, &count)| {
                let scale = self.scales.get(place % channels).unwrap_or(&self.scales[0]);
                byte(count, scale)
            })
            .collect();
        let outcome = match interpreter::run(&self.program, &bytes) {
            Ok(outcome) => outcome,
            Err(fault) => bail!("{fault}"),
        };
        let most = outcome.results.iter().max();
        let class = outcome.results.iter().position(|it| Some(it) == most);
        let name = class.and_then(|class| self.names.get(class));
        Ok(name.context("the weights name no classes")?)
    }
}

/// As [`Scale`] says.
fn byte(count: i16, scale: &Scale) -> u8 {
    let above = (i64::from(count) - i64::from(scale.offset)).max(0);
    ((above * i64::from(scale.multiplier)) >> scale.shift).min(255) as u8
}
