//! Seeds a second: what a sweep does for each, piece by piece. Prints its elements (seeds) a second.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::record::Silent;
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{Judging, run_case};
use faultwire_sim::sweep::{Settings, run};
use faultwire_sim::world::World;

/// Seeds of a small sweep.
const SEEDS: u64 = 1_000;

const SHORT_TRANSFER: &str = include_str!("../configs/short-transfer.json");

fn sweep(criterion: &mut Criterion) {
    let overrides = Overrides { case: Some("near".to_owned()), ..Overrides::default() };
    let experiment = parse(SHORT_TRANSFER, "short-transfer.json", &overrides).unwrap();
    let case = &experiment.cases[0];
    let mut group = criterion.benchmark_group("sweep");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a new world", |bencher| bencher.iter(|| black_box(World::new(&case.plan))));
    group.bench_function("a new world that runs", |bencher| {
        bencher.iter(|| {
            let mut world = World::new(&case.plan);
            world.run(&mut Silent);
            black_box(world.fingerprint())
        });
    });
    group.bench_function("a run with its report", |bencher| {
        bencher.iter(|| run_case(case, Judging::default(), &mut Silent).report);
    });
    group.bench_function("the same world, reset", |bencher| {
        let mut world = World::new(&case.plan);
        let mut seed = 0;
        bencher.iter(|| {
            seed += 1;
            world.reset(seed);
            world.run(&mut Silent);
            black_box(world.fingerprint())
        });
    });
    group.throughput(Throughput::Elements(SEEDS));
    group.bench_function("a thousand seeds on one thread", |bencher| {
        let settings = Settings { jobs: NonZeroUsize::MIN, ..Settings::default() };
        bencher.iter(|| {
            let mut passed = 0;
            run(&experiment, 0..=SEEDS - 1, &settings, |result| {
                passed += u64::from(result.outcome() == Outcome::Passed);
                ControlFlow::Continue(())
            });
            black_box(passed)
        });
    });
    group.finish();
}

criterion_group!(benches, sweep);
criterion_main!(benches);
