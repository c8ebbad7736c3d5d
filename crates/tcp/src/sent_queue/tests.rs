//! The ring against a naive model that scans everything, and its memory.

use proptest::prelude::*;

use super::*;

/// What the ring must amount to: every question scans every segment.
#[derive(Clone, Debug, Default)]
struct Naive {
    segments: Vec<NaiveSegment>,
    start: u64,
    end: u64,
}

#[derive(Clone, Copy, Debug)]
struct NaiveSegment {
    start: u64,
    end: u64,
    sent: u64,
    transmissions: u16,
    sacked: bool,
    lost: bool,
    again: bool,
}

impl Naive {
    fn push(&mut self, now: u64, length: u64) {
        let start = self.end;
        self.end += length;
        self.segments.push(NaiveSegment {
            start,
            end: self.end,
            sent: now,
            transmissions: 1,
            sacked: false,
            lost: false,
            again: false,
        });
    }

    fn cut(&mut self, at: u64) {
        if let Some(index) = self.segments.iter().position(|s| s.start < at && at < s.end) {
            let tail = NaiveSegment { start: at, ..self.segments[index] };
            self.segments[index].end = at;
            self.segments.insert(index + 1, tail);
        }
    }

    fn retransmit(&mut self, now: u64, range: Range<u64>) {
        self.cut(range.start);
        self.cut(range.end);
        for segment in self.segments.iter_mut().filter(|s| range.start <= s.start && s.end <= range.end) {
            segment.transmissions += 1;
            segment.sent = now;
            segment.again |= !segment.sacked;
        }
    }

    fn acknowledge(&mut self, ack: u64) -> (u64, Option<u64>) {
        let ack = ack.clamp(self.start, self.end);
        let gone: Vec<_> = self.segments.iter().filter(|s| s.end <= ack).copied().collect();
        let clean = gone.iter().all(|s| s.transmissions == 1);
        let since = gone.iter().find(|s| !s.sacked).map(|s| s.sent).filter(|_| clean);
        self.segments.retain(|s| s.end > ack);
        if let Some(front) = self.segments.first_mut() {
            front.start = front.start.max(ack);
        }
        let octets = ack - self.start;
        self.start = ack;
        (octets, since)
    }

    fn sack(&mut self, range: &Range<u64>) -> (u64, Option<u64>) {
        let (mut octets, mut since) = (0, None);
        for segment in &mut self.segments {
            if !segment.sacked && range.start <= segment.start && segment.end <= range.end {
                octets += segment.end - segment.start;
                if segment.transmissions == 1 {
                    since = Some(since.unwrap_or(u64::MAX).min(segment.sent));
                }
                (segment.sacked, segment.lost, segment.again) = (true, false, false);
            }
        }
        (octets, since)
    }

    fn lose_before(&mut self, boundary: u64) {
        for segment in self.segments.iter_mut().filter(|s| s.start < boundary && !s.sacked) {
            segment.lost = true;
        }
    }

    fn lose_all(&mut self, forget_sacks: bool) {
        for segment in &mut self.segments {
            segment.sacked &= !forget_sacks;
            segment.lost = !segment.sacked;
            segment.again = false;
        }
    }

    fn tally(&self, which: impl Fn(&NaiveSegment) -> bool) -> Tally {
        let chosen = self.segments.iter().filter(|s| which(s));
        chosen.fold(Tally::default(), |sum, s| Tally {
            octets: sum.octets + (s.end - s.start) as u32,
            segments: sum.segments + 1,
        })
    }

    /// RFC 6675 §4, SetPipe, octet by octet.
    fn pipe(&self) -> u64 {
        let of = |s: &NaiveSegment| u64::from(!s.lost) + u64::from(s.again);
        self.segments.iter().filter(|s| !s.sacked).map(|s| (s.end - s.start) * of(s)).sum()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push {
        length: u64,
    },
    Retransmit {
        from: prop::sample::Index,
        length: u64,
    },
    /// What [`SentQueue::next_unsent_again`] says, cut to `length`.
    RetransmitNext {
        length: u64,
    },
    Acknowledge {
        to: prop::sample::Index,
    },
    Sack {
        from: prop::sample::Index,
        length: u64,
    },
    LoseBefore {
        boundary: prop::sample::Index,
    },
    LoseAll {
        forget_sacks: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        6 => (1u64..5).prop_map(|length| Step::Push { length }),
        1 => (index(), 1u64..9).prop_map(|(from, length)| Step::Retransmit { from, length }),
        3 => (1u64..6).prop_map(|length| Step::RetransmitNext { length }),
        2 => index().prop_map(|to| Step::Acknowledge { to }),
        4 => (index(), 1u64..12).prop_map(|(from, length)| Step::Sack { from, length }),
        2 => index().prop_map(|boundary| Step::LoseBefore { boundary }),
        1 => any::<bool>().prop_map(|forget_sacks| Step::LoseAll { forget_sacks }),
    ];
    prop::collection::vec(step, 1..120)
}

fn acknowledge(queue: &mut SentQueue, ack: Offset) -> Delivery {
    let mut told = Delivery::new(Instant::FAR_FUTURE);
    queue.acknowledge(ack, &mut told);
    told
}

/// Takes one step on both sides and compares what they answer.
fn take(step: &Step, now: u64, queue: &mut SentQueue, naive: &mut Naive) -> Result<(), TestCaseError> {
    let (start, flight) = (naive.start, naive.end - naive.start);
    let instant = Instant::from_nanos(now);
    match step {
        Step::Push { length } => {
            queue.push(instant, Offset(naive.end)..Offset(naive.end + length));
            naive.push(now, *length);
        }
        Step::Acknowledge { to } => {
            let ack = start + to.index(flight as usize + 1) as u64;
            let acked = acknowledge(queue, Offset(ack));
            let since = acked.measurable_since().map(Instant::as_nanos);
            prop_assert_eq!((acked.octets, since), naive.acknowledge(ack));
        }
        _ if flight == 0 => {}
        Step::Retransmit { from, length } => {
            let from = start + from.index(flight as usize) as u64;
            let range = from..(from + length).min(naive.end);
            queue.note_retransmission(instant, Offset(range.start)..Offset(range.end));
            naive.retransmit(now, range);
        }
        Step::RetransmitNext { length } => {
            let expected = naive.segments.iter().find(|s| !s.sacked && !s.again);
            let next = queue.next_unsent_again();
            let told = next.clone().map(|(range, lost)| (range.start.0, range.end.0, lost));
            prop_assert_eq!(told, expected.map(|s| (s.start, s.end, s.lost)));
            if let Some((range, true)) = next {
                let end = range.end.0.min(range.start.0 + length);
                queue.note_retransmission(instant, range.start..Offset(end));
                naive.retransmit(now, range.start.0..end);
            }
        }
        Step::Sack { from, length } => {
            let from = start + from.index(flight as usize) as u64;
            let range = from..(from + length).min(naive.end);
            let mut told = Delivery::new(Instant::FAR_FUTURE);
            if let Some(whole) = queue.whole_segments(Offset(range.start)..Offset(range.end)) {
                queue.mark_sacked(whole, &mut told);
            }
            let since = told.clean_since.map(Instant::as_nanos);
            prop_assert_eq!((told.octets, since), naive.sack(&range));
        }
        Step::LoseBefore { boundary } => {
            // As a SACKed run above would: never beyond the highest SACK.
            let sacked = naive.segments.iter().filter(|s| s.sacked).map(|s| s.start);
            let boundaries: Vec<u64> = sacked.collect();
            if !boundaries.is_empty() {
                let boundary = boundaries[boundary.index(boundaries.len())];
                queue.mark_lost_before(Offset(boundary));
                naive.lose_before(boundary);
            }
        }
        Step::LoseAll { forget_sacks } => {
            if *forget_sacks {
                queue.forget_sacks();
            }
            queue.mark_all_lost(Instant::FAR_FUTURE);
            naive.lose_all(*forget_sacks);
        }
    }
    Ok(())
}

fn compare(queue: &SentQueue, naive: &Naive) -> Result<(), TestCaseError> {
    prop_assert_eq!((queue.start().0, queue.end().0), (naive.start, naive.end));
    prop_assert_eq!(queue.segments() as usize, naive.segments.len());
    prop_assert_eq!(queue.is_empty(), naive.segments.is_empty());
    prop_assert_eq!(queue.sacked(), naive.tally(|s| s.sacked));
    prop_assert_eq!(queue.lost(), naive.tally(|s| s.lost));
    prop_assert_eq!(queue.retransmitted(), naive.tally(|s| s.again));
    prop_assert_eq!(queue.pipe(), naive.pipe());
    prop_assert_eq!(queue.front_is_sacked(), naive.segments.first().is_some_and(|s| s.sacked));
    prop_assert_eq!(queue.front_is_lost(), naive.segments.first().is_some_and(|s| s.lost));
    for segment in &naive.segments {
        for at in segment.start..segment.end {
            prop_assert_eq!(queue.transmissions(Offset(at)), segment.transmissions);
        }
    }
    for octets in 0..6 {
        let end = naive.segments.iter().rev().find(|s| s.end - s.start > octets).map(|s| s.end);
        prop_assert_eq!(queue.end_of_longer_than(octets as u32).map(|offset| offset.0), end);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn equals_the_naive_model(steps in steps()) {
        let mut queue = SentQueue::new(Offset::FIRST);
        let mut naive = Naive { start: Offset::FIRST.0, end: Offset::FIRST.0, ..Naive::default() };
        for (now, step) in steps.iter().enumerate() {
            take(step, now as u64, &mut queue, &mut naive)?;
            compare(&queue, &naive)?;
        }
    }
}

fn range(first: u64, beyond: u64) -> Range<Offset> {
    Offset::FIRST + first..Offset::FIRST + beyond
}

#[test]
fn an_entry_is_small() {
    assert!(size_of::<SentSegment>() <= 40, "{}", size_of::<SentSegment>());
}

#[test]
fn owns_no_memory_when_new_or_released() {
    let mut queue = SentQueue::new(Offset::FIRST);
    assert_eq!(queue.heap_octets(), 0);
    queue.push(Instant::ZERO, range(0, 10));
    queue.release_memory();
    assert!(queue.heap_octets() > 0, "not while something is in flight");
    acknowledge(&mut queue, Offset::FIRST + 10);
    assert!(queue.heap_octets() > 0, "an ACK frees nothing");
    queue.release_memory();
    assert_eq!(queue.heap_octets(), 0);
}

#[test]
fn steady_flow_allocates_nothing_more() {
    let mut queue = SentQueue::new(Offset::FIRST);
    for index in 0..3000 {
        queue.push(Instant::ZERO, range(index * 10, index * 10 + 10));
    }
    let heap = queue.heap_octets();
    for index in 3000..20_000 {
        acknowledge(&mut queue, Offset::FIRST + (index - 2999) * 10);
        queue.push(Instant::ZERO, range(index * 10, index * 10 + 10));
    }
    assert_eq!(queue.heap_octets(), heap);
}

#[test]
fn an_ack_of_what_was_never_sent_goes_to_the_end() {
    let mut queue = SentQueue::new(Offset::FIRST);
    queue.push(Instant::ZERO, range(0, 10));
    assert_eq!(acknowledge(&mut queue, Offset::FIRST + 99).octets, 10);
    assert_eq!(queue.start(), Offset::FIRST + 10);
}

#[test]
#[should_panic(expected = "new data starts where the last segment ended")]
fn new_data_leaves_no_gap() {
    let mut queue = SentQueue::new(Offset::FIRST);
    queue.push(Instant::ZERO, range(0, 10));
    queue.push(Instant::ZERO, range(11, 20));
}
