use faultwire_base::StreamId;
use proptest::prelude::*;

use super::*;

fn generated(offset: u64, len: u32) -> Payload {
    Payload::Generated { stream: StreamId(9), offset, len }
}

/// A bulk of generated data is one run, and slicing it makes no copy.
#[test]
fn a_generated_bulk_is_one_run() {
    let mut queue = PayloadQueue::new(100);
    (0..1000).for_each(|n| queue.push(&generated(n * 10_000, 10_000)));
    assert_eq!(queue.heap_octets(), 0);
    assert_eq!(queue.slice(100 + 9_999, 1448), generated(9_999, 1448));
    queue.discard_before(100 + 5_000_000);
    assert_eq!(queue.take(u64::MAX), generated(5_000_000, 5_000_000));
    assert_eq!(queue.len(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8, u32),
    Discard(u64),
    Slice(u64, u32),
    Take(u64),
    Truncate(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3u8, 0..50u32).prop_map(|(kind, len)| Step::Push(kind, len)),
        (0..60u64).prop_map(Step::Discard),
        (0..100u64, 0..100u32).prop_map(|(at, len)| Step::Slice(at, len)),
        (0..60u64).prop_map(Step::Take),
        (0..60u64).prop_map(Step::Truncate),
    ]
}

proptest! {
    #[test]
    fn like_a_vector_of_octets(steps in prop::collection::vec(step(), 0..80)) {
        let mut queue = PayloadQueue::new(7);
        let mut model: Vec<u8> = Vec::new();
        let mut written = 0;
        for step in steps {
            match step {
                Step::Push(kind, len) => {
                    let payload = match kind {
                        0 => Payload::Zeros { len },
                        1 => generated(written, len),
                        _ => Payload::from_bytes((0..len).map(|n| n as u8).collect::<Vec<_>>()),
                    };
                    written += u64::from(len);
                    model.extend(payload.to_vec());
                    queue.push(&payload);
                }
                Step::Discard(count) => {
                    let count = count.min(queue.len());
                    queue.discard_before(queue.start() + count);
                    model.drain(..count as usize);
                }
                Step::Slice(at, len) => {
                    let at = at.min(queue.len());
                    let len = len.min((queue.len() - at) as u32);
                    let part = queue.slice(queue.start() + at, len);
                    prop_assert_eq!(part.to_vec(), &model[at as usize..][..len as usize]);
                }
                Step::Take(max) => {
                    let taken = queue.take(max).to_vec();
                    prop_assert!(taken.len() as u64 <= max);
                    prop_assert!(!taken.is_empty() || max == 0 || queue.len() == 0);
                    let expected: Vec<u8> = model.drain(..taken.len()).collect();
                    prop_assert_eq!(taken, expected);
                }
                Step::Truncate(count) => {
                    let count = count.min(queue.len());
                    queue.truncate(queue.end() - count);
                    model.truncate(model.len() - count as usize);
                }
            }
            prop_assert_eq!(queue.len(), model.len() as u64);
        }
    }
}
