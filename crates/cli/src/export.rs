//! The scripts that `run --export-script` writes: a file for each end of each named connection of each case.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use faultwire_script::export::{Export, Recorder, exports};
use faultwire_sim::plan::Case;

use crate::outputs::file_name;
use crate::pending_file::PendingFile;

/// What a case gave.
#[derive(Clone, Debug)]
pub(crate) struct Exports {
    ends: Vec<Export>,
    /// Ends that are too many to be written.
    more: usize,
}

impl Exports {
    /// What was recorded of a case, as scripts.
    pub(crate) fn of(case: &Case, recorder: &Recorder) -> Self {
        let plan = &case.plan;
        // One line, whatever the names hold.
        let title = format!("{}, case {}, seed {}", plan.name, case.name, plan.seed);
        let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (ends, more) = exports(plan, recorder, &title);
        Self { ends, more }
    }
}

/// The folder, and the files in it.
#[derive(Debug)]
pub(crate) struct Scripts {
    directory: PathBuf,
    taken: BTreeSet<String>,
    files: Vec<PendingFile>,
}

/// What became of the scripts of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// Names of files.
    pub(crate) files: Vec<String>,
    /// What was not written, and why.
    pub(crate) notes: Vec<String>,
}

impl Scripts {
    /// Makes the folder, so that a run isn't done for nothing.
    ///
    /// # Errors
    /// If it can't be made, or nothing can be put into it.
    pub(crate) fn claim(directory: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("can't make {}", directory.display()))?;
        PendingFile::claim(&directory.join("script.pkt"))?;
        Ok(Self { directory: directory.to_owned(), taken: BTreeSet::new(), files: Vec::new() })
    }

    /// Writes the scripts of a case; they get their names in [`finish`](Self::finish).
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn case_ended(&mut self, case: &str, exports: &Exports) -> anyhow::Result<Written> {
        let mut written = Written::default();
        for Export { name, script } in &exports.ends {
            let text = match script {
                Ok(text) => text,
                Err(why) => {
                    written.notes.push(format!("{case}: no script of {name}: {why}"));
                    continue;
                }
            };
            let name = self.free_name(&format!("{case}-{}", name.replace(['/', '#'], "-")));
            let mut file = PendingFile::claim(&self.directory.join(&name))?;
            file.write(|out| out.write_all(text.as_bytes()))?;
            self.files.push(file);
            written.files.push(name);
        }
        if exports.more > 0 {
            let kept = exports.ends.len();
            written
                .notes
                .push(format!("{case}: no scripts of {} more ends: {kept} are enough", exports.more));
        }
        if exports.ends.is_empty() {
            written.notes.push(format!("{case}: no app has a TCP connection, so there is no script"));
        }
        Ok(written)
    }

    /// Gives all files their names.
    ///
    /// # Errors
    /// Those of renaming.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        self.files.into_iter().try_for_each(PendingFile::finish)
    }

    /// A name that no other script of this run has.
    fn free_name(&mut self, name: &str) -> String {
        let name = file_name(name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !self.taken.contains(name));
        let free = free.expect("there are numbers enough");
        self.taken.insert(free.clone());
        format!("{free}.pkt")
    }
}
