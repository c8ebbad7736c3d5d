//! Tests of the symbols: numbers by kernel, options by level.

use std::collections::BTreeSet;

use super::*;

const LINUX: Flavour = Flavour::Linux { and_freebsd: false };

#[test]
fn numbers_are_those_of_the_kernel_under_test() {
    assert_eq!(LINUX.number("O_NONBLOCK"), Some(0x800));
    assert_eq!(Flavour::FreeBsd.number("O_NONBLOCK"), Some(4));
    assert_eq!((LINUX.errno("ECONNREFUSED"), Flavour::FreeBsd.errno("ECONNREFUSED")), (111, 61));
}

#[test]
fn what_only_the_other_kernel_has_is_unknown_except_under_rfc() {
    assert_eq!(LINUX.number("TCP_KEEPINIT"), None);
    assert_eq!(Flavour::FreeBsd.number("MSG_FASTOPEN"), None);
    assert_eq!(Flavour::of(Profile::Rfc).number("TCP_KEEPINIT"), Some(128));
    assert_eq!(Flavour::of(Profile::Rfc).number("O_NONBLOCK"), Some(0x800));
}

#[test]
fn options_go_by_level_and_number() {
    assert_eq!(LINUX.option(6, 23), Some("TCP_FASTOPEN"));
    assert_eq!(LINUX.option(1, 4), Some("SO_ERROR"));
    assert_eq!(Flavour::FreeBsd.option(0xffff, 0x1007), Some("SO_ERROR"));
    assert_eq!(LINUX.option(0, 1), Some("IP_TOS"));
    assert_eq!(LINUX.option(77, 1), None);
}

#[test]
fn no_symbol_stands_twice() {
    let names: BTreeSet<_> = table::TABLE.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), table::TABLE.len());
}
