//! The wake-up queue, and the queues it was chosen from.
//!
//! Hold model: with a fixed number pending, take the earliest and schedule its key again after an exponential delay.
//! One such pair is one event; the element rate is events per second. `wakeup_queue` is what the world uses, `wheel`
//! the structure under it. In CPU time an event, against the wheel: the heap is its equal at 2 to 4 and at 64 pending,
//! and takes a third more at 1,000, four times as much at 100,000, thirteen times at a million. The ladder takes a
//! tenth to a fifth less from 64 to 1,000, a quarter to two thirds more below, twice as much at 100,000, four times at
//! a million.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use faultwire_base::{Instant, SeedTree};
use faultwire_engine::{Entry, EntryQueue, WakeupQueue};

mod queues;

use queues::{Heap, Ladder, Queue};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let delays = Delays::new(10_000_000);
    let order = order_of_pops::<Heap>(&delays);
    assert_eq!(order, order_of_pops::<Ladder>(&delays));
    assert_eq!(order, order_of_pops::<EntryQueue>(&delays));
    assert_eq!(order, order_of_pops::<WakeupQueue>(&delays));

    for pending in [2, 8, 64, 1_000, 100_000, 1_000_000] {
        let mut group = criterion.benchmark_group(format!("hold/{pending}"));
        group
            .throughput(Throughput::Elements(EVENTS))
            .measurement_time(Duration::from_secs(2))
            .sample_size(40);
        hold::<Heap>(&mut group, pending, &delays);
        hold::<Ladder>(&mut group, pending, &delays);
        hold::<EntryQueue>(&mut group, pending, &delays);
        hold::<WakeupQueue>(&mut group, pending, &delays);
        group.finish();
    }
    storm(&mut criterion);
    requests(&mut criterion, &delays);
    criterion.final_summary();
}

/// Events an iteration.
const EVENTS: u64 = 10_000;

/// Exponential delays, drawn beforehand so that drawing is not measured.
struct Delays {
    nanos: Vec<u64>,
    next: usize,
}

impl Delays {
    fn new(mean_nanos: u64) -> Self {
        let mut stream = SeedTree::new(1).stream("engine", "hold");
        let mut draw = || {
            let uniform = (stream.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
            (-(1.0 - uniform).ln() * mean_nanos as f64) as u64
        };
        Self { nanos: (0..COUNT).map(|_| draw()).collect(), next: 0 }
    }

    fn rewound(&self) -> Self {
        Self { nanos: self.nanos.clone(), next: 0 }
    }

    fn next(&mut self) -> faultwire_base::Duration {
        self.next = (self.next + 1) % COUNT;
        faultwire_base::Duration::from_nanos(self.nanos[self.next])
    }
}

const COUNT: usize = 1 << 16;

fn hold_once(queue: &mut impl Queue, delays: &mut Delays) -> Entry {
    let entry = queue.pop();
    queue.push(Entry { time: entry.time + delays.next(), key: entry.key });
    entry
}

/// A queue in the steady state of the hold model.
fn steady<Q: Queue>(pending: u32, delays: &mut Delays) -> Q {
    let mut queue = Q::default();
    for key in 0..pending {
        queue.push(Entry { time: Instant::ZERO + delays.next(), key });
    }
    for _ in 0..4 * pending {
        hold_once(&mut queue, delays);
    }
    queue
}

fn hold<Q: Queue>(group: &mut BenchmarkGroup<'_, WallTime>, pending: u32, delays: &Delays) {
    let mut delays = delays.rewound();
    // Filled only if this benchmark is not filtered out.
    let mut queue = None;
    group.bench_function(Q::NAME, |bencher| {
        let queue = queue.get_or_insert_with(|| steady::<Q>(pending, &mut delays));
        bencher.iter(|| {
            for _ in 0..EVENTS {
                black_box(hold_once(queue, &mut delays));
            }
        });
    });
}

/// All queues must do the same work before their speeds mean anything.
fn order_of_pops<Q: Queue>(delays: &Delays) -> Vec<Entry> {
    let mut delays = delays.rewound();
    let mut queue = steady::<Q>(3_000, &mut delays);
    (0..30_000).map(|_| hold_once(&mut queue, &mut delays)).collect()
}

/// All keys at one instant, asked for in a scattered order, taken in the order of keys.
fn storm(criterion: &mut Criterion) {
    const KEYS: u32 = 100_000;
    let mut group = criterion.benchmark_group("storm");
    group.throughput(Throughput::Elements(u64::from(KEYS)));
    let (mut queue, mut at) = (WakeupQueue::new(), Instant::ZERO);
    group.bench_function(BenchmarkId::from_parameter(KEYS), |bencher| {
        bencher.iter(|| {
            at += faultwire_base::Duration::from_millis(1);
            // 7919 is prime to the number of keys, so each comes once.
            (0..KEYS).for_each(|key| queue.schedule(at, (u64::from(key) * 7_919 % u64::from(KEYS)) as u32));
            while let Some(entry) = queue.pop_due(at) {
                black_box(entry);
            }
        });
    });
    group.finish();
}

/// Pairs of hosts that send one message to and fro: each wake-up arms the host's own timer 200 ms ahead and moves the
/// other's wake-up from its timer to the arrival. One element is one wake-up.
fn requests(criterion: &mut Criterion, delays: &Delays) {
    const TIMEOUT: faultwire_base::Duration = faultwire_base::Duration::from_millis(200);
    for hosts in [2, 64, 1_000, 100_000] {
        let mut group = criterion.benchmark_group(format!("requests/{hosts}"));
        group.throughput(Throughput::Elements(EVENTS));
        let mut delays = delays.rewound();
        let mut queue = WakeupQueue::new();
        (0..hosts).step_by(2).for_each(|host| queue.schedule(Instant::ZERO + delays.next(), host));
        group.bench_function("wakeup_queue", |bencher| {
            bencher.iter(|| {
                for _ in 0..EVENTS {
                    let now = queue.next_time().expect("messages never end");
                    let (_, host) = queue.pop_due(now).expect("due now");
                    queue.schedule(now + TIMEOUT, host);
                    queue.schedule(now + delays.next(), host ^ 1);
                }
            });
        });
        group.finish();
    }
}
