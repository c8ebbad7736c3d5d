use super::*;

fn line(text: &str) -> ExchangeLine {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn problem(text: &str) -> String {
    text.parse::<ExchangeLine>().unwrap_err().to_string()
}

#[test]
fn a_line_reads_as_it_prints() {
    for text in [
        "0s SYN_SENT --> <SEQ=100><CTL=SYN> --> SYN_RECEIVED",
        "50ms ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN_RECEIVED",
        "1s ESTABLISHED --> <SEQ=101><ACK=301><CTL=PSH,ACK><DATA=10><WND=512> --> ...",
        "1.5s ... --> <SEQ=90><CTL=SYN> --> SYN_RECEIVED",
        "2s ESTABLISHED <-- <SEQ=301><ACK=101><CTL=ACK><SACK=111:121,131:141> <-- ESTABLISHED",
    ] {
        assert_eq!(line(text).to_string(), text);
    }
}

#[test]
fn blanks_and_the_order_of_fields_do_not_matter() {
    assert_eq!(
        line("  1s   CLOSED   -->   <CTL=ACK,SYN><ACK=2><SEQ=1>   -->   ..."),
        line("1s CLOSED --> <SEQ=1><ACK=2><CTL=SYN,ACK> --> ...")
    );
}

#[test]
fn a_window_and_blocks_are_checked_only_where_they_are_given() {
    let seen = line("0s CLOSED --> <SEQ=1><CTL=SYN><WND=7> --> ...");
    assert!(line("0s CLOSED --> <SEQ=1><CTL=SYN> --> ...").describes(&seen));
    assert!(line("0s CLOSED --> <SEQ=1><CTL=SYN><WND=7> --> ...").describes(&seen));
    assert!(!line("0s CLOSED --> <SEQ=1><CTL=SYN><WND=8> --> ...").describes(&seen));
    let seen = line("0s CLOSED --> <SEQ=1><ACK=1><CTL=ACK><SACK=5:6> --> ...");
    assert!(line("0s CLOSED --> <SEQ=1><ACK=1><CTL=ACK> --> ...").describes(&seen));
    assert!(line("0s CLOSED --> <SEQ=1><ACK=1><CTL=ACK><SACK=5:6> --> ...").describes(&seen));
    assert!(!line("0s CLOSED --> <SEQ=1><ACK=1><CTL=ACK><SACK=5:7> --> ...").describes(&seen));
}

#[test]
fn every_other_difference_counts() {
    let seen = line("1s FIN_WAIT_1 --> <SEQ=1><ACK=2><CTL=FIN,ACK><DATA=3> --> CLOSE_WAIT");
    for other in [
        "2s FIN_WAIT_1 --> <SEQ=1><ACK=2><CTL=FIN,ACK><DATA=3> --> CLOSE_WAIT",
        "1s FIN_WAIT_2 --> <SEQ=1><ACK=2><CTL=FIN,ACK><DATA=3> --> CLOSE_WAIT",
        "1s FIN_WAIT_1 <-- <SEQ=1><ACK=2><CTL=FIN,ACK><DATA=3> <-- CLOSE_WAIT",
        "1s FIN_WAIT_1 --> <SEQ=9><ACK=2><CTL=FIN,ACK><DATA=3> --> CLOSE_WAIT",
        "1s FIN_WAIT_1 --> <SEQ=1><ACK=9><CTL=FIN,ACK><DATA=3> --> CLOSE_WAIT",
        "1s FIN_WAIT_1 --> <SEQ=1><ACK=2><CTL=FIN,PSH,ACK><DATA=3> --> CLOSE_WAIT",
        "1s FIN_WAIT_1 --> <SEQ=1><ACK=2><CTL=FIN,ACK> --> CLOSE_WAIT",
        "1s FIN_WAIT_1 --> <SEQ=1><ACK=2><CTL=FIN,ACK><DATA=3> --> ...",
    ] {
        assert!(!line(other).describes(&seen), "{other}");
    }
}

#[test]
fn what_is_no_line_says_how_to_write_one() {
    for (text, part) in [
        ("0s SYN_SENT --> <SEQ=100><CTL=SYN>", "is no line of an exchange"),
        ("0s SYN_SENT --> <SEQ=100><CTL=SYN> <-- CLOSED", "are no arrow"),
        ("0 SYN_SENT --> <SEQ=100><CTL=SYN> --> CLOSED", "0"),
        ("0s SYNSENT --> <SEQ=100><CTL=SYN> --> CLOSED", "\"SYNSENT\" is no state"),
        ("0s SYN_SENT --> SEQ=100 --> CLOSED", "is no segment"),
        ("0s SYN_SENT --> <SEQ=100><SYN> --> CLOSED", "without a value"),
        ("0s SYN_SENT --> <SEQ=-1><CTL=SYN> --> CLOSED", "a number that is none"),
        ("0s SYN_SENT --> <SEQ=1><CTL=SIN> --> CLOSED", "unknown control bit"),
        ("0s SYN_SENT --> <SEQ=1><CTL=SYN><WND=65536> --> CLOSED", "a window that is none"),
        ("0s SYN_SENT --> <SEQ=1><LEN=1><CTL=SYN> --> CLOSED", "other than SEQ, ACK"),
        ("0s SYN_SENT --> <SEQ=1><SACK=7><CTL=SYN> --> CLOSED", "FROM:TO"),
        ("0s SYN_SENT --> <SEQ=1><SEQ=1><CTL=SYN> --> CLOSED", "twice"),
        ("0s SYN_SENT --> <CTL=SYN> --> CLOSED", "has no SEQ"),
        ("0s SYN_SENT --> <SEQ=1> --> CLOSED", "has no CTL"),
        ("0s SYN_SENT --> <SEQ=1><CTL=ACK> --> CLOSED", "only one of"),
        ("0s SYN_SENT --> <SEQ=1><ACK=1><CTL=SYN> --> CLOSED", "only one of"),
    ] {
        assert!(problem(text).contains(part), "{text}: {}", problem(text));
    }
}
