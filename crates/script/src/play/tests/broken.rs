use faultwire_base::SeedTree;

use super::*;

/// Scripts with lines left out, doubled, exchanged and their numbers changed end in some verdict.
#[test]
fn no_broken_script_breaks_the_player() {
    const NUMBERS: [&str; 9] = ["0", "1", "3", "1001", "1460", "65535", "2147483648", "4294967295", "100000"];
    let tail = "+0 write(4, ..., 3000) = 3000
+0 > P. 1:3001(3000) ack 1
+.1 < icmp unreachable port_unreachable [1:1201(1200)]
+.1 < . 1:1(0) ack 3001 win 32000 <nop,nop,sack 1:2>
+0...1 read(4, ..., 1000) = 1000
+.1 < udp (300)
+0 %{ assert tcpi_state == 1 }%
+0 close(4) = 0
";
    let text = format!("{PASSIVE}{tail}+{ACTIVE}+.1 < S. 0:0(0) ack 1 win 100 <mss 1000>\n");
    let lines: Vec<&str> = text.lines().collect();
    let mut random = SeedTree::new(11).stream("script", "broken");
    let mut verdicts = [0; 4];
    for round in 0..3_000 {
        let mut changed: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        for _ in 0..=random.below(4) {
            let (at, other) = (random.below(changed.len() as u64), random.below(changed.len() as u64));
            let (at, other) = (at as usize, other as usize);
            match random.below(4) {
                0 => drop(changed.remove(at)),
                1 => changed.insert(at, changed[other].clone()),
                2 => changed.swap(at, other),
                _ => {
                    let is_digit = |c: char| c.is_ascii_digit();
                    let Some(from) = changed[at].find(is_digit) else { continue };
                    let from = from + changed[at][from..].find(' ').unwrap_or(0);
                    let Some(from) = changed[at][from..].find(is_digit).map(|more| from + more) else {
                        continue;
                    };
                    let end = changed[at][from..]
                        .find(|c| !is_digit(c))
                        .map_or(changed[at].len(), |more| from + more);
                    changed[at].replace_range(from..end, NUMBERS[random.below(9) as usize]);
                }
            }
        }
        let settings = Settings { strict: round % 2 == 0, ..Settings::default() };
        let verdict = match parse(&(changed.join("\n") + "\n"), &[], None) {
            Err(_) => 0,
            Ok(script) => match play(&script, &settings).verdict {
                Verdict::Pass => 1,
                Verdict::Fail(_) => 2,
                Verdict::Skip(_) => 3,
            },
        };
        verdicts[verdict] += 1;
    }
    assert!(verdicts[0] > 100 && verdicts[2] > 1_000, "{verdicts:?}");
}
