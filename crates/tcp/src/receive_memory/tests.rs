use super::*;

/// What `sk_rmem_alloc` shows on Linux 6.18 as segments with these octets of text arrive and nobody reads.
#[test]
fn costs() {
    let config = crate::config::Config::linux().buffers;
    let mut memory = ReceiveMemory::new(540_000);
    let mut end = Offset::FIRST;
    let lengths = [
        (1, 832),
        (10, 832),
        (100, 832),
        (140, 1664),
        (150, 2496),
        (160, 3776),
        (200, 3776),
        (400, 5056),
        (500, 6336),
        (536, 7616),
        (600, 8896),
        (616, 11_200),
        (700, 11_200),
        (1000, 13_504),
        (1200, 15_808),
        (1400, 18_112),
        (1460, 20_416),
        (1, 20_416),
        (100, 20_416),
        (100, 21_248),
        (100, 22_080),
        (400, 23_360),
    ];
    for (length, charged) in lengths {
        end = end + u64::from(length);
        memory.keep(end, &Arrived { length, headers: 40, full_segment: 536, sack: true }, &config, false);
        assert_eq!(memory.charged, charged, "{length}");
    }
    memory.on_read(Offset::FIRST + 2050);
    assert_eq!(memory.charged, 23_360 - 6336);
}

/// The first window, the clamp and the threshold, as Linux 6.18 has them for 540,000 and 16,384 octets of buffer.
#[test]
fn first_windows() {
    let terms = FirstTerms { segment: 1460, announced: 1460, shift: Some(8) };
    let mut memory = ReceiveMemory::new(540_000);
    assert_eq!((memory.begin(&terms), memory.threshold), (268_640, 268_540));
    let stamped = FirstTerms { segment: 1448, announced: 1448, ..terms };
    assert_eq!((memory.begin(&stamped), memory.threshold), (269_328, 268_552));
    assert_eq!((memory.begin(&FirstTerms { shift: None, ..terms }), memory.threshold), (268_640, 65_535));
    let mut memory = ReceiveMemory::new(16_384);
    let fixed = FirstTerms { shift: None, ..terms };
    assert_eq!((memory.begin(&fixed), memory.threshold), (7300, 6732));
}
