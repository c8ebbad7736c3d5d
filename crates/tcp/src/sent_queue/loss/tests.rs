//! Losses found by time, against a scan of everything, and their cost.

use proptest::prelude::*;

use super::*;
use crate::sent_queue::Delivery;

#[derive(Clone, Copy, Debug)]
struct Naive {
    sent: u64,
    sacked: bool,
    lost: bool,
    again: bool,
}

/// RACK_detect_loss of RFC 8985 §6.2 step 5, segment by segment.
fn scan(segments: &mut [Naive], first: u64, now: u64, reference: (u64, u64, u64)) -> Option<u64> {
    let (sent, end, patience) = reference;
    let mut next = None;
    for (index, segment) in segments.iter_mut().enumerate() {
        if segment.sacked || (segment.lost && !segment.again) {
            continue;
        }
        if (segment.sent, first + index as u64 + 1) >= (sent, end) {
            continue;
        }
        if segment.sent + patience <= now {
            (segment.lost, segment.again) = (true, false);
        } else {
            next = next.max(Some(segment.sent + patience));
        }
    }
    next
}

fn range(at: u64) -> Range<Offset> {
    Offset::FIRST + at..Offset::FIRST + (at + 1)
}

#[derive(Clone, Debug)]
enum Step {
    Push,
    RetransmitNext,
    Sack(prop::sample::Index),
    Acknowledge(u64),
    Timeout,
    Detect { delivered: prop::sample::Index, patience: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        5 => Just(Step::Push),
        3 => Just(Step::RetransmitNext),
        3 => index().prop_map(Step::Sack),
        1 => (1u64..4).prop_map(Step::Acknowledge),
        1 => Just(Step::Timeout),
        4 => (index(), 0u64..30).prop_map(|(delivered, patience)| Step::Detect { delivered, patience }),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    // RFC 8985 §6.2 step 5: the cursor and the list of retransmissions find what a scan of the whole window finds.
    #[test]
    fn finds_what_a_scan_finds(steps in steps()) {
        let mut queue = SentQueue::new(Offset::FIRST);
        let mut naive: Vec<Naive> = Vec::new();
        let mut runs: VecDeque<Range<Offset>> = VecDeque::new();
        let (mut first, mut now) = (0u64, 0u64);
        for step in steps {
            now += 1;
            let instant = Instant::from_nanos(now);
            match step {
                Step::Push => {
                    queue.push(instant, range(first + naive.len() as u64));
                    naive.push(Naive { sent: now, sacked: false, lost: false, again: false });
                }
                Step::RetransmitNext => {
                    if let Some((next, true)) = queue.next_unsent_again() {
                        let index = (next.start - Offset::FIRST - first) as usize;
                        queue.note_retransmission(instant, next);
                        (naive[index].sent, naive[index].again) = (now, true);
                    }
                }
                Step::Sack(index) if !naive.is_empty() => {
                    let index = index.index(naive.len());
                    let mut told = Delivery::new(Instant::FAR_FUTURE);
                    queue.mark_sacked(range(first + index as u64), &mut told);
                    naive[index] = Naive { sacked: true, lost: false, again: false, ..naive[index] };
                }
                Step::Acknowledge(count) => {
                    let count = count.min(naive.len() as u64);
                    let mut told = Delivery::new(Instant::FAR_FUTURE);
                    queue.acknowledge(Offset::FIRST + (first + count), &mut told);
                    naive.drain(..count as usize);
                    first += count;
                }
                Step::Timeout => {
                    queue.mark_all_lost(Instant::FAR_FUTURE);
                    for segment in naive.iter_mut().filter(|segment| !segment.sacked) {
                        (segment.lost, segment.again) = (true, false);
                    }
                }
                Step::Detect { delivered, patience } if !naive.is_empty() => {
                    let delivered = delivered.index(naive.len());
                    let (sent, end) = (naive[delivered].sent, first + delivered as u64 + 1);
                    let reference = Reference {
                        sent: Instant::from_nanos(sent),
                        end: Offset::FIRST + end,
                        patience: Duration::from_nanos(patience),
                    };
                    let found = queue.detect_lost(instant, reference, &runs);
                    let next = scan(&mut naive, first, now, (sent, end, patience));
                    prop_assert_eq!(found.next.map(Instant::as_nanos), next);
                }
                _ => {}
            }
            runs.clear();
            for (index, _) in naive.iter().enumerate().filter(|(_, segment)| segment.sacked) {
                let next = range(first + index as u64);
                match runs.back_mut() {
                    Some(run) if run.end == next.start => run.end = next.end,
                    _ => runs.push_back(next),
                }
            }
            let count = |which: fn(&Naive) -> bool| naive.iter().filter(|s| which(s)).count() as u32;
            prop_assert_eq!(queue.lost().segments, count(|s| s.lost));
            prop_assert_eq!(queue.retransmitted().segments, count(|s| s.again));
        }
    }
}
