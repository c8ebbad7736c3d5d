//! Runs the command and keeps files of a test apart.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A transfer of 3 KiB from client to server.
#[allow(dead_code, reason = "each test binary takes what it needs")]
pub(crate) const TINY: &str = r#"{
  "name": "tiny",
  "description": "A client writes 3 KiB and closes.",
  "seed": 1,
  "stop": { "at": "10min" },
  "hosts": {
    "client": { "stack": "linux", "address": "10.0.0.1" },
    "server": { "stack": "linux", "address": "10.0.0.2" }
  },
  "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "5ms" } ],
  "apps": [
    { "name": "web", "on": "server", "listen": 80, "run": [
      { "accept": "first" }, { "read": "eof" }, { "close": "first" } ] },
    { "name": "browser", "on": "client", "run": [
      { "connect": "server:80", "from_port": 40000, "as": "first" }, { "write": "3KiB" }, { "close": "first" } ] }
  ],
  "expect": [ { "name": "all read", "at": "server/first", "delivered": "3KiB" } ]
}
"#;

/// How a command ended and what it said.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The command, not started.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultwire"));
    command.args(arguments);
    command
}

/// Runs the command to its end.
pub(crate) fn faultwire(arguments: &[&str]) -> Run {
    let output = command(arguments).output().unwrap();
    Run {
        status: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An empty folder of one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        fs::write(self.0.join(name), content).unwrap();
        self.path(name)
    }

    /// Names of all that is in it, sorted.
    #[allow(dead_code, reason = "each test binary takes what it needs")]
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left stays below the target folder and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
