//! How a group's scheduler runs a study: scripts to look at, change and submit.

use std::path::Path;

use anyhow::{Result, bail};

/// Who runs trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// Slurm.
    Slurm,
    /// PBS Pro and OpenPBS.
    Pbs,
    /// HyperQueue.
    HyperQueue,
    /// An Indexed Job of Kubernetes.
    Kubernetes,
    /// GNU parallel.
    Parallel,
}

/// What a script says.
#[derive(Clone, Debug)]
pub struct Submission<'a> {
    /// The study's folder, absolute: every worker must see it, and the data.
    pub study: &'a Path,
    /// The program, as workers find it.
    pub program: &'a str,
    /// How many workers share a stage.
    pub workers: u32,
    /// How long a worker may run.
    pub minutes: u32,
    /// Megabytes of a worker.
    pub megabytes: u32,
}

impl Submission<'_> {
    /// The script. Submitting it again runs only what is missing.
    ///
    /// # Errors
    /// Where a path has letters that shells within scripts would read otherwise.
    pub fn script(&self, scheduler: Scheduler) -> Result<String> {
        for word in [self.program, &self.study.display().to_string()] {
            if word.contains(['"', '\'', '$', '`', '\\', '\n']) {
                bail!(
                    "`{word}` has quotes, backslashes or dollars in it: give the folder another name"
                );
            }
        }
        Ok(match scheduler {
            Scheduler::Slurm => self.slurm(),
            Scheduler::Pbs => self.pbs(),
            Scheduler::HyperQueue => self.hyperqueue(),
            Scheduler::Kubernetes => self.kubernetes(),
            Scheduler::Parallel => self.parallel(),
        })
    }

    /// What a worker runs, whose index is in that variable.
    fn run(&self, index: &str) -> String {
        let (program, study) = (quoted(self.program), self.quoted_study());
        format!(
            "{program} search run {study} --index {index} --stride {}",
            self.workers
        )
    }

    fn next(&self) -> String {
        format!(
            "{} search next {}",
            quoted(self.program),
            self.quoted_study()
        )
    }

    fn quoted_study(&self) -> String {
        quoted(&self.study.display().to_string())
    }

    fn slurm(&self) -> String {
        let Self {
            workers,
            minutes,
            megabytes,
            ..
        } = self;
        let last = workers.saturating_sub(1);
        let (run, next) = (self.run("$SLURM_ARRAY_TASK_ID"), self.next());
        format!(
            r#"#!/bin/sh
# A stage of the study as an array of {workers} workers, then the next stage, and so on to the end.
#   sbatch this-file
# Submitted again after a failure, it runs only what is missing. MOST stages are run, so that a trial
# that never ends well is not tried for ever.
#SBATCH --job-name=search --ntasks=1 --mem={megabytes} --time={minutes} --output=search-%j.log
set -eu
MOST=${{MOST:-200}}
[ "$MOST" -gt 0 ] || {{ echo "gave up: see the logs of the workers"; exit 1; }}
# 0: there are trials to run. 3: the study is done.
{next} || {{ [ $? -eq 3 ] && exit 0; exit 1; }}
stage=$(sbatch --parsable --array=0-{last} --cpus-per-task=1 --mem={megabytes} --time={minutes} \
    --requeue --output=search-%A-%a.log --wrap '{run}')
MOST=$((MOST - 1)) sbatch --dependency=afterany:"$stage" --export=ALL "${{SCRIPT:=$(scontrol show job "$SLURM_JOB_ID" | sed -n 's/^ *Command=//p')}}"
"#
        )
    }

    fn pbs(&self) -> String {
        let Self {
            workers,
            minutes,
            megabytes,
            ..
        } = self;
        let last = workers.saturating_sub(1);
        let (run, next) = (self.run("$PBS_ARRAY_INDEX"), self.next());
        let limits = format!(
            "-l select=1:ncpus=1:mem={megabytes}mb -l walltime={:02}:{:02}:00",
            minutes / 60,
            minutes % 60
        );
        format!(
            r#"#!/bin/sh
# A stage of the study as an array of {workers} workers: `sh this-file`, again for each stage. It says
# when the study is done. Run again after a failure, it runs only what is missing.
set -eu
{next} || {{ [ $? -eq 3 ] && exit 0; exit 1; }}
echo '{run}' | qsub -N search -r y -J 0-{last} {limits}
"#
        )
    }

    fn hyperqueue(&self) -> String {
        let last = self.workers.saturating_sub(1);
        let (run, next) = (self.run("$HQ_TASK_ID"), self.next());
        format!(
            r#"#!/bin/sh
# All stages of the study, one after another, on the workers that HyperQueue has: `sh this-file`.
# Run again after a failure, it runs only what is missing.
set -eu
for stage in $(seq 200); do
    {next} || {{ [ $? -eq 3 ] && exit 0; exit 1; }}
    hq submit --wait --array 0-{last} --cpus 1 -- sh -c '{run}'
done
"#
        )
    }

    fn kubernetes(&self) -> String {
        let Self {
            workers,
            minutes,
            megabytes,
            ..
        } = self;
        let run = self.run("$JOB_COMPLETION_INDEX");
        let seconds = minutes * 60;
        format!(
            r#"# A stage of the study as an Indexed Job: `search next STUDY`, then
# `kubectl apply -f this-file` and `kubectl delete job search` for each stage, until `next` exits with 3. The claim
# must be one that many nodes can write (ReadWriteMany), with the study and the data in it, and the
# image must have cargo-herringbone.
apiVersion: batch/v1
kind: Job
metadata:
  name: search
spec:
  completions: {workers}
  parallelism: {workers}
  completionMode: Indexed
  backoffLimitPerIndex: 2
  activeDeadlineSeconds: {seconds}
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: trial
          image: REGISTRY/cargo-herringbone
          command: ["sh", "-c", {run:?}]
          resources:
            requests: {{ cpu: "1", memory: {megabytes}Mi }}
          volumeMounts:
            - {{ name: study, mountPath: /study }}
      volumes:
        - name: study
          persistentVolumeClaim: {{ claimName: study }}
"#
        )
    }

    fn parallel(&self) -> String {
        let Self { workers, .. } = self;
        let last = workers.saturating_sub(1);
        let (run, next) = (self.run("{}"), self.next());
        format!(
            r#"#!/bin/sh
# All stages of the study, one after another: `sh this-file`. With `-S host1,host2` after `parallel`
# on machines that see the folder. Run again after a failure, it runs only what is missing.
set -eu
for stage in $(seq 200); do
    {next} || {{ [ $? -eq 3 ] && exit 0; exit 1; }}
    seq 0 {last} | parallel -j {workers} '{run}'
done
"#
        )
    }
}

/// A word as a POSIX shell takes it, within single quotes too.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-=,:+@%".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("\"{word}\""),
    }
}
