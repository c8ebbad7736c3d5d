//! The scoreboard: validity of blocks, merging, and IsLost (RFC 6675 §4).

use faultwire_base::Instant;

use super::*;

const SMSS: u32 = 1000;

/// Start of segment `index`, counted from 0.
fn segment(index: u64) -> Offset {
    Offset::FIRST + index * u64::from(SMSS)
}

fn flight(segments: u64) -> SentQueue {
    let mut queue = SentQueue::new(Offset::FIRST);
    for index in 0..segments {
        queue.push(Instant::from_nanos(index), segment(index)..segment(index + 1));
    }
    queue
}

/// Takes `blocks` in and returns what was new.
fn update(board: &mut Scoreboard, queue: &mut SentQueue, blocks: &[(Offset, Offset)]) -> Delivery {
    let mut told = Delivery::new(Instant::FAR_FUTURE);
    board.update(queue, blocks, &mut told);
    told
}

/// Reports segments `first..beyond` and returns how many octets were new.
fn report(board: &mut Scoreboard, queue: &mut SentQueue, first: u64, beyond: u64) -> u64 {
    update(board, queue, &[(segment(first), segment(beyond))]).octets
}

fn runs(board: &Scoreboard) -> Vec<(u64, u64)> {
    let index = |offset: Offset| (offset - Offset::FIRST) / u64::from(SMSS);
    board.runs.iter().map(|run| (index(run.start), index(run.end))).collect()
}

#[test]
fn counts_each_octet_once() {
    let (mut board, mut queue) = (Scoreboard::default(), flight(20));
    assert_eq!(report(&mut board, &mut queue, 4, 6), 2000);
    assert_eq!(report(&mut board, &mut queue, 4, 6), 0);
    assert_eq!(report(&mut board, &mut queue, 4, 8), 2000);
    assert_eq!(report(&mut board, &mut queue, 10, 12), 2000);
    assert_eq!(report(&mut board, &mut queue, 14, 15), 1000);
    assert_eq!(runs(&board), [(4, 8), (10, 12), (14, 15)]);
    // One block over all of them tells only of the gaps.
    assert_eq!(report(&mut board, &mut queue, 2, 16), 14_000 - 7000);
    assert_eq!(runs(&board), [(2, 16)]);
    assert_eq!((queue.sacked().octets, queue.sacked().segments), (14_000, 14));
}

#[test]
fn touching_runs_become_one() {
    let (mut board, mut queue) = (Scoreboard::default(), flight(20));
    report(&mut board, &mut queue, 4, 5);
    report(&mut board, &mut queue, 6, 7);
    report(&mut board, &mut queue, 5, 6);
    assert_eq!(runs(&board), [(4, 7)]);
    report(&mut board, &mut queue, 2, 4);
    assert_eq!(runs(&board), [(2, 7)]);
    board.acknowledge(segment(3));
    assert_eq!(runs(&board), [(3, 7)]);
    board.acknowledge(segment(7));
    assert_eq!(runs(&board), []);
}

#[test]
fn passes_over_what_cannot_be() {
    let (mut board, mut queue) = (Scoreboard::default(), flight(20));
    queue.acknowledge(segment(2), &mut Delivery::new(Instant::FAR_FUTURE));
    board.acknowledge(segment(2));
    for (first, beyond) in [(3, 3), (5, 4), (19, 21), (30, 31), (0, 1), (0, 2)] {
        assert_eq!(report(&mut board, &mut queue, first, beyond), 0, "{first}..{beyond}");
    }
    assert_eq!(runs(&board), []);
    // What lies in flight of a block that begins below the cumulative ACK counts.
    assert_eq!(report(&mut board, &mut queue, 0, 4), 2000);
    assert_eq!(runs(&board), [(2, 4)]);
}

#[test]
fn a_segment_counts_when_all_of_it_is_reported() {
    let (mut board, mut queue) = (Scoreboard::default(), flight(20));
    let told = update(&mut board, &mut queue, &[(segment(4) + 1, segment(6) + 999)]);
    assert_eq!(told.octets, 1000);
    assert_eq!(runs(&board), [(5, 6)]);
    assert_eq!(update(&mut board, &mut queue, &[(segment(8) + 1, segment(8) + 999)]).octets, 0);
    assert_eq!(update(&mut board, &mut queue, &[(segment(4), segment(7))]).octets, 2000);
    assert_eq!(runs(&board), [(4, 7)]);
}

fn lost_before(reports: &[(u64, u64)]) -> Option<u64> {
    let (mut board, mut queue) = (Scoreboard::default(), flight(30));
    for &(first, beyond) in reports {
        report(&mut board, &mut queue, first, beyond);
    }
    board.lost_before(3, SMSS).map(|offset| (offset - Offset::FIRST) / u64::from(SMSS))
}

// RFC 6675 §4, IsLost: DupThresh discontiguous SACKed sequences above, or more than (DupThresh - 1) * SMSS octets.
#[test]
fn is_lost() {
    assert_eq!(lost_before(&[]), None);
    assert_eq!(lost_before(&[(1, 2)]), None);
    assert_eq!(lost_before(&[(1, 3)]), None, "exactly (DupThresh - 1) * SMSS is not more");
    assert_eq!(lost_before(&[(1, 4)]), Some(1));
    assert_eq!(lost_before(&[(1, 2), (3, 4)]), None);
    assert_eq!(lost_before(&[(1, 2), (3, 4), (5, 6)]), Some(1));
    // Above segment 2 lie only two runs; above segment 0 three.
    assert_eq!(lost_before(&[(1, 2), (3, 4), (5, 6), (7, 8)]), Some(3));
    // Octets add up over runs.
    assert_eq!(lost_before(&[(1, 3), (10, 11)]), Some(1));
    assert_eq!(lost_before(&[(1, 20), (25, 26)]), Some(1));
    assert_eq!(lost_before(&[(1, 20), (25, 28)]), Some(25));
}

// RFC 6675 §4: three discontiguous runs are enough however short they are.
#[test]
fn short_runs_count_as_runs() {
    let mut queue = SentQueue::new(Offset::FIRST);
    for index in 0..10 {
        queue.push(Instant::ZERO, Offset::FIRST + index..Offset::FIRST + index + 1);
    }
    let mut board = Scoreboard::default();
    for index in [1, 3] {
        update(&mut board, &mut queue, &[(Offset::FIRST + index, Offset::FIRST + index + 1)]);
    }
    assert_eq!(board.lost_before(3, SMSS), None);
    update(&mut board, &mut queue, &[(Offset::FIRST + 7, Offset::FIRST + 8)]);
    assert_eq!(board.lost_before(3, SMSS), Some(Offset::FIRST + 1));
}

#[test]
fn knows_the_highest() {
    let (mut board, mut queue) = (Scoreboard::default(), flight(20));
    assert_eq!(board.highest(), None);
    report(&mut board, &mut queue, 17, 19);
    report(&mut board, &mut queue, 4, 6);
    assert_eq!(board.highest(), Some(segment(19)));
}
