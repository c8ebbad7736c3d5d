use super::*;
use faultwire_base::SeedTree;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The cookies that a Linux server with these keys and addresses gives, as Google's packetdrill suite has them.
#[test]
fn cookies_are_those_of_linux() {
    let key: FastOpenKey = "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4".parse().unwrap();
    let zero = FastOpenKey([0; 16]);
    let (client, server) = (address("192.0.2.1"), address("192.168.0.1"));
    assert_eq!(hex(&cookie(key, client, server)), "3021b9d889017eeb");
    assert_eq!(hex(&cookie(zero, client, server)), "b7c12350a90dc8f5");
    let (client, server) = (address("fd3d:fa7b:d17d::1"), address("fd3d:0a0b:17d6::1"));
    assert_eq!(hex(&cookie(key, client, server)), "c1d1e9742a47a9bc");
    assert_eq!(hex(&cookie(zero, client, server)), "82af1a8f9a205c34");
}

#[test]
fn keys_are_written_as_the_sysctl_has_them() {
    let text = "00112233-44556677-8899aabb-ccddeeff";
    let key: FastOpenKey = text.parse().unwrap();
    assert_eq!(key.to_string(), text);
    assert_eq!(key.0[..4], [0x33, 0x22, 0x11, 0]);
    assert_eq!("1-2-3-4".parse::<FastOpenKey>().unwrap().to_string(), "00000001-00000002-00000003-00000004");
    for bad in ["", "1-2-3", "1-2-3-4-5", "1-2-3-x", "1-2-3-123456789", "+1-2-3-4"] {
        assert_eq!(bad.parse::<FastOpenKey>(), Err(BadFastOpenKey), "{bad:?}");
    }
    let both: FastOpenKeys = "1-2-3-4,5-6-7-8".parse().unwrap();
    assert_eq!(both.backup, Some("5-6-7-8".parse().unwrap()));
}

/// A cookie under the backup key is good, and known to be old; those of others are not.
#[test]
fn rotation_of_keys() {
    let keys: FastOpenKeys = "1-2-3-4,5-6-7-8".parse().unwrap();
    let former: FastOpenKeys = "5-6-7-8".parse().unwrap();
    let (client, server) = (address("10.0.0.1"), address("10.0.0.2"));
    let check = |keys: &FastOpenKeys| keys.issue(client, server, false);
    assert_eq!(keys.check(&check(&keys), client, server), Some(Verified::Current));
    assert_eq!(keys.check(&check(&former), client, server), Some(Verified::Former));
    assert_eq!(former.check(&check(&keys), client, server), None);
    assert_eq!(keys.check(&check(&keys), address("10.0.0.3"), server), None, "another client");
}

fn answer(cookie: Option<FastOpenCookie>, refused: Option<bool>) -> FastOpenAnswer {
    FastOpenAnswer { segment_size: 1460, cookie, refused, syn_lost: false }
}

/// Linux `tcp_fastopen_cache_set`: after a request in kind 34 that got no cookie comes one in kind 254, then 34 again.
#[test]
fn requests_try_both_kinds() {
    let config = FastOpenConfig::default();
    let mut room = FastOpen::new(&config, Secrets::new(SeedTree::new(1), "host/1"));
    let peer = address("10.0.0.2");
    let ask = |room: &FastOpen| room.opportunity(&config, Instant::ZERO, peer, false);
    assert_eq!(ask(&room).option, Some(FastOpenCookie::request(false)));
    room.learn(peer, &answer(None, Some(false)));
    assert_eq!(ask(&room).option, Some(FastOpenCookie::request(true)));
    room.learn(peer, &answer(None, Some(true)));
    assert_eq!(ask(&room).option, Some(FastOpenCookie::request(false)));
    let cookie = FastOpenCookie::new(&[1, 2, 3, 4], false);
    room.learn(peer, &answer(cookie, None));
    assert_eq!(ask(&room), Opportunity { option: cookie, text: true, segment_size: Some(1460) });
    room.learn(peer, &answer(None, None));
    assert_eq!(ask(&room).option, cookie, "an answer without a cookie leaves the old one");
    room.forget_peers();
    assert_eq!(
        ask(&room),
        Opportunity { option: Some(FastOpenCookie::request(false)), text: false, segment_size: None }
    );
}

/// Linux `tcp_fastopen_active_should_disable`: the pause doubles each time, up to 64 times; a success ends the doubling.
#[test]
fn a_black_hole_pauses_fast_open() {
    let config = FastOpenConfig { black_hole_timeout: Duration::from_secs(60), ..FastOpenConfig::default() };
    let mut room = FastOpen::new(&config, Secrets::new(SeedTree::new(1), "host/1"));
    let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    let tried = |room: &FastOpen, seconds| {
        room.opportunity(&config, at(seconds), address("10.0.0.2"), false).option.is_some()
    };
    room.distrust(&config, at(10));
    assert!(!tried(&room, 69) && tried(&room, 70));
    room.distrust(&config, at(100));
    assert!(!tried(&room, 219) && tried(&room, 220));
    room.trust(&config, at(219));
    room.distrust(&config, at(300));
    assert!(!tried(&room, 539) && tried(&room, 540), "the success came too early to count");
    room.trust(&config, at(540));
    for _ in 0..9 {
        room.distrust(&config, at(600));
    }
    assert!(!tried(&room, 600 + 64 * 60 - 1) && tried(&room, 600 + 64 * 60));
    let mut never = FastOpen::new(&FastOpenConfig::default(), Secrets::new(SeedTree::new(1), "host/1"));
    never.distrust(&FastOpenConfig::default(), at(0));
    assert!(tried(&never, 0));
}
