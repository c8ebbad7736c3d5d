//! packetdrill scripts on one core, from text to report: the interpreter's own suite, again and again, 1,000 in all.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faultwire_script::{Settings, Verdict, run};

const SCRIPTS: usize = 1_000;

fn own() -> Vec<String> {
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/script/tests/scripts"), &mut paths);
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).expect("a readable script")).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            found.push(path);
        }
    }
}

fn scripts(criterion: &mut Criterion) {
    let own = own();
    let settings = Settings { strict: true, ..Settings::default() };
    for source in &own {
        let report = run(source, &settings).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.verdict, Verdict::Pass, "a figure of scripts that fail means nothing:\n{source}");
    }
    let mut group = criterion.benchmark_group("scripts");
    group.sample_size(10);
    group.throughput(Throughput::Elements(SCRIPTS as u64));
    group.bench_function("1,000 of the own suite", |bencher| {
        bencher.iter(|| {
            for source in own.iter().cycle().take(SCRIPTS) {
                black_box(run(source, &settings)).expect("it was read before");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, scripts);
criterion_main!(benches);
