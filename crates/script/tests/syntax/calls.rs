//! What is read from system calls and their expressions.

use faultwire_script::syntax::tree::{Action, Call, Expression, ExpressionKind, Field};

use super::event;

fn call(source: &str) -> Call {
    match event(&format!("0 {source}")).action {
        Action::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

/// An expression with its structure shown: `or(A B)`, `not(A)`, `[A B]`, `{name(count)=A}`, `f(A)`.
pub(crate) fn shown(expression: &Expression) -> String {
    let list = |values: &[Expression]| values.iter().map(shown).collect::<Vec<_>>().join(" ");
    match &expression.kind {
        ExpressionKind::Ellipsis => "...".to_owned(),
        ExpressionKind::Integer(value) => value.to_string(),
        ExpressionKind::Decimal(value) => format!("{value:?}"),
        ExpressionKind::Symbol(name) => name.clone(),
        ExpressionKind::Text(text) => format!("{text:?}"),
        ExpressionKind::Address(address) => format!("<{address}>"),
        ExpressionKind::Or(parts) => format!("or({})", list(parts)),
        ExpressionKind::Not(inner) => format!("not({})", shown(inner)),
        ExpressionKind::List(values) => format!("[{}]", list(values)),
        ExpressionKind::Structure(fields) => {
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(" "))
        }
        ExpressionKind::Function { name, arguments } => format!("{name}({})", list(arguments)),
    }
}

fn field(field: &Field) -> String {
    let count = field.count.as_ref().map(|count| format!("({})", shown(count))).unwrap_or_default();
    if field.name.is_empty() {
        return shown(&field.value);
    }
    format!("{}{count}={}", field.name, shown(&field.value))
}

#[test]
fn every_form_of_a_value() {
    let table = [
        ("3", "3"),
        ("-1", "-1"),
        ("- 1", "-1"),
        ("0x1F", "31"),
        ("-0x10", "-16"),
        ("18446744073709551615", "-1"),
        ("9223372036854775807", "9223372036854775807"),
        ("0.5", "0.5"),
        ("-.5", "-0.5"),
        ("...", "..."),
        ("O_RDWR|O_NONBLOCK | 4", "or(O_RDWR O_NONBLOCK 4)"),
        ("~O_NONBLOCK", "not(O_NONBLOCK)"),
        ("A|~(B|C)", "or(A not(or(B C)))"),
        (r#""reno""#, r#""reno""#),
        (r#""a\n\t\"\\\x41\101\0b""#, "\"a\\n\\t\\\"\\\\AA\\0b\""),
        (r#""\xff""#, "\"\u{ff}\""),
        (r#""one " "two" /* and */ "three""#, r#""one twothree""#),
        ("[]", "[]"),
        ("[1]", "[1]"),
        ("[ECONNREFUSED]", "[ECONNREFUSED]"),
        ("[1, [2, -3]]", "[1 [2 -3]]"),
        ("{}", "{}"),
        ("{onoff=1, linger=30}", "{onoff=1 linger=30}"),
        ("{..., 1000}", "{... 1000}"),
        (
            "[{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}]",
            "[{fd=3 events=or(POLLIN POLLOUT) revents=POLLOUT}]",
        ),
        ("{events=EPOLLIN, ptr=0x10}", "{events=EPOLLIN ptr=16}"),
        (
            "{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.0.2.1\")}",
            "{sa_family=AF_INET sin_port=htons(8080) sin_addr=inet_addr(\"192.0.2.1\")}",
        ),
        ("{sin6_addr=inet_pton(AF_INET6, \"::1\")}", "{sin6_addr=inet_pton(AF_INET6 \"::1\")}"),
        ("{a=1, inet_pton(AF_INET6, \"::1\", &sin6_addr)}", "{a=1 sin6_addr=inet_pton(AF_INET6 \"::1\")}"),
        ("&name", "&name"),
        (
            "{msg_name(...)=..., msg_iov(2)=[{..., 1000}, {..., 500}], msg_flags=0, \
             msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=12}]}",
            "{msg_name(...)=... msg_iov(2)=[{... 1000} {... 500}] msg_flags=0 \
             msg_control=[{cmsg_level=SOL_TCP cmsg_type=TCP_CM_INQ cmsg_data=12}]}",
        ),
        ("192.0.2.1", "<192.0.2.1>"),
        ("fd3d:fa7b:d17d::1", "<fd3d:fa7b:d17d::1>"),
        ("::", "<::>"),
        ("::ffff:192.0.2.1", "<::ffff:192.0.2.1>"),
    ];
    for (source, expected) in table {
        let call = call(&format!("f({source}, 7) = 0"));
        assert_eq!(call.arguments.iter().map(shown).collect::<Vec<_>>(), [expected, "7"], "{source}");
    }
}

#[test]
fn results_errnos_and_notes() {
    let table = [
        ("f() = 0", Some("0"), None, None),
        ("f() = ?", None, None, None),
        ("f() = -1 EAGAIN", Some("-1"), Some("EAGAIN"), None),
        (
            "f() = -1 EINPROGRESS (Operation now in progress)",
            Some("-1"),
            Some("EINPROGRESS"),
            Some("Operation now in progress"),
        ),
        ("f() = 0x802 (flags O_RDWR|O_NONBLOCK)", Some("2050"), None, Some("flags O_RDWR|O_NONBLOCK")),
        ("f() = O_RDWR|O_NONBLOCK (flags)", Some("or(O_RDWR O_NONBLOCK)"), None, Some("flags")),
        ("f() = 3 (it's `odd` (nested) \"text)", Some("3"), None, Some("it's `odd` (nested) \"text")),
        ("f() = 3 (a sad face :()\n", Some("3"), None, Some("a sad face :(")),
        ("f() = 3 (one) (two)", Some("3"), None, Some("one; two")),
        ("f() = -1 E2BIG", Some("-1"), Some("E2BIG"), None),
    ];
    for (source, result, errno, note) in table {
        let call = call(source);
        assert_eq!(call.result.as_ref().map(shown).as_deref(), result, "{source}");
        assert_eq!((call.errno.as_deref(), call.note.as_deref()), (errno, note), "{source}");
    }
}

#[test]
fn places_of_arguments() {
    let call = call("f(1,\n  {a = 22}) = 3");
    let places: Vec<String> = call.arguments.iter().map(|value| value.at.to_string()).collect();
    assert_eq!((call.at.to_string(), places), ("1:3".to_owned(), vec!["1:5".to_owned(), "2:3".to_owned()]));
    let ExpressionKind::Structure(fields) = &call.arguments[1].kind else { panic!("a structure") };
    assert_eq!(
        (fields[0].at.to_string(), fields[0].value.at.to_string()),
        ("2:4".to_owned(), "2:8".to_owned())
    );
}
