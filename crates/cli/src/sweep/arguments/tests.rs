//! Parameters as they are written.

use super::Parameter;

#[test]
fn values_stand_between_commas_that_are_not_inside_json() {
    for (text, path, values) in [
        ("links.wire.loss=0%,1%,5%", "links.wire.loss", &["0%", "1%", "5%"][..]),
        ("links.wire.delay=10ms", "links.wire.delay", &["10ms"]),
        ("a.b={\"x\": 1, \"y\": [1, 2]},3", "a.b", &["{\"x\": 1, \"y\": [1, 2]}", "3"]),
        (r#"a=",\",]",b"#, "a", &[r#"",\",]""#, "b"]),
        ("a=x=1,y=2", "a", &["x=1", "y=2"]),
    ] {
        let parameter: Parameter = text.parse().unwrap();
        assert_eq!(
            (parameter.path.as_str(), parameter.values.as_slice()),
            (path, &values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>()[..])
        );
    }
}

#[test]
fn what_is_no_parameter_is_refused_with_the_remedy() {
    for (text, remedy) in [
        ("links.wire.loss", "write PATH=V1,V2"),
        ("=1,2", "write PATH=V1,V2"),
        ("a=", "a value is empty"),
        ("a=1,,2", "a value is empty"),
        ("a=1,2,1", "\"1\" is there twice"),
        ("seed=1,2", "--seeds"),
    ] {
        let error = text.parse::<Parameter>().unwrap_err();
        assert!(error.contains(remedy), "{text}: {error}");
    }
}
