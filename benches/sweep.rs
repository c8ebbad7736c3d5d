//! Seeds a second: what a sweep does for each, piece by piece. Prints its elements (seeds) a second.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::record::Silent;
use faultwire_sim::run::{Judging, run_case};
use faultwire_sim::world::World;

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
    group.finish();
}

criterion_group!(benches, sweep);
criterion_main!(benches);
