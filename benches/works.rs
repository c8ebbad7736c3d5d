//! Whole simulations, measured as `run` does them: with fingerprint and oracles on. Each prints its elements a second
//! (data packets, datagrams or connections).

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faultwire_benches::{SEGMENT, THREE_PACKETS, bulk, churn, datagrams, dumbbell, experiment};
use faultwire_sim::plan::{Experiment, Plan};
use faultwire_sim::record::Silent;
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{Judging, run_case};
use faultwire_sim::world::World;

/// Benchmarks one work; it must pass, or its figure means nothing.
fn measure(criterion: &mut Criterion, name: &str, elements: u64, experiment: &Experiment) {
    let case = &experiment.cases[0];
    let run = run_case(case, Judging::default(), &mut Silent);
    assert_eq!(run.report.outcome, Outcome::Passed, "{name}: {:?}", run.report.failures);
    let plan: Arc<Plan> = Arc::clone(&case.plan);
    let mut group = criterion.benchmark_group("works");
    group.sample_size(10);
    group.throughput(Throughput::Elements(elements));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut world = World::new(&plan);
            world.run(&mut Silent);
            black_box(world.fingerprint())
        });
    });
    group.finish();
}

fn works(criterion: &mut Criterion) {
    let packets = |mebibytes: u64| (mebibytes << 20) / SEGMENT;
    measure(criterion, "bulk 100 Mbit/s", packets(64), &bulk("100Mbit", "250kB", "64MiB", ""));
    measure(criterion, "bulk 1 Gbit/s", packets(256), &bulk("1Gbit", "2500kB", "256MiB", ""));
    let loss = r#", "towards": { "b": { "loss": "1%" } }"#;
    measure(criterion, "bulk 100 Mbit/s, 1 % loss", packets(16), &bulk("100Mbit", "250kB", "16MiB", loss));
    measure(criterion, "dumbbell of 1,000 flows", 1_000 * (1 << 20) / SEGMENT, &dumbbell(1_000, "1MiB"));
    measure(criterion, "UDP, 1 % loss and jitter", 500_000, &datagrams(500_000));
    measure(criterion, "churn", 20_000, &churn(20_000));
    criterion.bench_function("works/three packets, from text to report", |bencher| {
        bencher
            .iter(|| run_case(&experiment(THREE_PACKETS).cases[0], Judging::default(), &mut Silent).report);
    });
}

criterion_group!(benches, works);
criterion_main!(benches);
