//! The options that name a teacher.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use herringbone_compiler::network::Network;
use herringbone_dataset::Normalisation;
use herringbone_trainer::Device;
use herringbone_trainer::teacher::Teacher;
use herringbone_trainer::trained::Trained;

use crate::which::Which;

/// A larger network, already trained on the same data. Its answers teach a small network how
/// alike the classes are, which labels alone do not.
#[derive(Args)]
#[command(next_help_heading = "Teacher")]
pub(super) struct TeacherArguments {
    /// The Rust file that declares the teacher; its weights file must exist
    #[arg(long, value_name = "FILE")]
    pub(super) teacher: Option<PathBuf>,
    /// The teacher's name, if the file declares several networks
    #[arg(long, value_name = "NAME", requires = "teacher")]
    pub(super) teacher_network: Option<String>,
    /// Features of the teacher's package to enable
    #[arg(
        long,
        value_name = "FEATURES",
        value_delimiter = ',',
        requires = "teacher"
    )]
    pub(super) teacher_features: Vec<String>,
    /// If the teacher tells more classes apart: to which class of the network each of its own
    /// belongs, in their order (`0,0,1`)
    #[arg(
        long,
        value_name = "CLASSES",
        value_delimiter = ',',
        requires = "teacher"
    )]
    pub(super) teacher_classes: Option<Vec<u16>>,
}

impl TeacherArguments {
    /// Reads the teacher of `student`, if there is one, and how its inputs were scaled.
    pub(super) fn load(
        &self,
        student: &Network,
        device: &Device,
    ) -> Result<Option<(Teacher, Normalisation)>> {
        let Some(file) = &self.teacher else {
            return Ok(None);
        };
        let which = Which {
            file: file.clone(),
            network: self.teacher_network.clone(),
            features: self.teacher_features.clone(),
            no_default_features: false,
        };
        let found = which.find().context("the teacher")?;
        let Some((ast, declaration)) = found.parse() else {
            bail!("the declaration of the teacher is wrong");
        };
        let path = found.weights_file(&ast).with_context(|| {
            format!(
                "the teacher in {} names no file for its weights: add `weights: \"FILE\"`",
                file.display()
            )
        })??;
        let bytes = fs::read(&path).with_context(|| {
            format!(
                "cannot read the teacher's weights {}: train it first",
                path.display()
            )
        })?;
        let context = || format!("the teacher in {}", file.display());
        let network = &declaration.network;
        let classes = self.teacher_classes.as_deref();
        let teacher =
            Teacher::new(network, &bytes, student, classes, device).with_context(context)?;
        let trained = Trained::new(network, &bytes).with_context(context)?;
        Ok(Some((teacher, trained.normalisation)))
    }
}
