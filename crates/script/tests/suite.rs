//! Every script of this folder passes under `--strict`, against every stack that it names.

mod support;

use faultwire_script::{Settings, Verdict, run};

use support::{cells, on_all_threads};

#[test]
fn every_script_passes_strictly() {
    let cells = cells();
    assert!(!cells.is_empty(), "there are scripts");
    let problems = on_all_threads(&cells, |cell| {
        let settings = Settings { profile: Some(cell.profile), strict: true, ..Settings::default() };
        let name = format!("{} ({})", cell.name, cell.profile.name());
        match run(&cell.source, &settings) {
            Ok(report) => match report.verdict {
                Verdict::Pass => None,
                Verdict::Fail(finding) => Some(format!("FAIL {name}:{}: {}", finding.line, finding.message)),
                Verdict::Skip(finding) => Some(format!("SKIP {name}:{}: {}", finding.line, finding.message)),
            },
            Err(error) => Some(format!("ERROR {name}:{error}")),
        }
    });
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), cells.len(), problems.join("\n"));
}

/// A script that fails tells a person little if it does not say what it proves.
#[test]
fn every_script_says_what_it_proves() {
    for cell in cells() {
        let comments: Vec<&str> = (cell.source.lines())
            .map_while(|line| line.trim_start().strip_prefix("//"))
            .filter(|line| !line.trim_start().starts_with("profile:") && !line.trim().is_empty())
            .collect();
        assert!(!comments.is_empty(), "{}: the first lines say what it proves and why", cell.name);
    }
}
