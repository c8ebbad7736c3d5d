use super::*;

fn named(source: &str) -> Vec<Profile> {
    profiles_named(source).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_head_names_stacks() {
    use Profile::{Freebsd, Linux, Rfc};
    assert_eq!(named("// profile: rfc\n 0 socket(...) = 3\n"), [Rfc]);
    assert_eq!(named("\n// What it proves.\n//profile: linux, freebsd\n"), [Linux, Freebsd]);
    assert_eq!(named("// profile: rfc, linux or freebsd (insecure_rst 0)\n"), [Rfc, Linux, Freebsd]);
    assert_eq!(named("// no stack\n 0 socket(...) = 3\n// profile: rfc\n"), []);
    assert_eq!(named(""), []);
}

#[test]
fn a_stack_that_is_none_is_told_with_its_place() {
    let error = profiles_named("// Why.\n// profile: linux, solaris\n").unwrap_err();
    assert_eq!(error.to_string(), "2:20: expected linux, freebsd or rfc, found \"solaris\"");
    let error = run("// profile: plan9\n", &Settings::default()).unwrap_err();
    assert_eq!((error.at.line, error.at.column), (1, 13));
}

/// PACKETDRILL.md has Linux for Google's notation, FreeBSD for nplab's.
#[test]
fn the_dialect_chooses_the_stack_that_nobody_has_named() {
    let google = " 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
    let nplab = " 0 `sysctl -w net.inet.tcp.ecn.enable=0`\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
    let profile = |source: &str, settings: &Settings| run(source, settings).expect("a script").profile;
    let default = Settings::default();
    assert_eq!(profile(google, &default), Profile::Linux);
    assert_eq!(profile(nplab, &default), Profile::Freebsd);
    assert_eq!(profile(&format!("// profile: rfc\n{google}"), &default), Profile::Rfc);
    let asked = Settings { profile: Some(Profile::Freebsd), ..Settings::default() };
    assert_eq!(profile(&format!("// profile: rfc\n{google}"), &asked), Profile::Freebsd);
}
