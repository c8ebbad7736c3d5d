//! The text of a command as words: quotes, redirections, pipes, and what joins commands.

use crate::snippet::arithmetic;

/// Commands whose output goes into each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    /// Whether it runs only if the one before failed (`||`).
    pub(super) otherwise: bool,
    pub(super) commands: Vec<Simple>,
}

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Its name and its arguments.
    pub(super) words: Vec<String>,
    /// The file that its output goes to.
    pub(super) output: Option<String>,
}

/// Splits a text. An error names what a recogniser can't read.
pub(super) fn pipelines(text: &str) -> Result<Vec<Pipeline>, String> {
    let mut splitter = Splitter { rest: text, ..Splitter::default() };
    while let Some(next) = splitter.rest.chars().next() {
        splitter.step(next)?;
    }
    splitter.end_pipeline(false)?;
    Ok(splitter.pipelines)
}

#[derive(Default)]
struct Splitter<'a> {
    rest: &'a str,
    pipelines: Vec<Pipeline>,
    pipeline: Pipeline,
    command: Simple,
    /// The word that is being read; quotes make an empty one too.
    word: Option<String>,
    redirects: Option<Redirect>,
}

/// What the next word is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Redirect {
    Output,
    Errors,
}

impl Splitter<'_> {
    fn step(&mut self, next: char) -> Result<(), String> {
        let rest = self.rest;
        let doubled = |sign: &str| rest.starts_with(sign);
        match next {
            ' ' | '\t' | '\r' => self.skip(1, Self::end_word),
            '\n' | ';' => {
                self.skip(1, |_| Ok(()))?;
                self.end_pipeline(false)
            }
            '\\' if doubled("\\\n") => self.skip(2, |_| Ok(())),
            '\\' => {
                let literal = rest[1..].chars().next().ok_or("a backslash at the end")?;
                self.word_mut().push(literal);
                self.rest = &rest[1 + literal.len_utf8()..];
                Ok(())
            }
            '#' if self.word.is_none() => {
                self.rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                Ok(())
            }
            '\'' => {
                let (text, behind) = rest[1..].split_once('\'').ok_or("a quote without its end")?;
                self.word_mut().push_str(text);
                self.rest = behind;
                Ok(())
            }
            '"' => self.quoted(),
            '|' if doubled("||") => {
                self.skip(2, |_| Ok(()))?;
                self.end_pipeline(true)
            }
            '|' => {
                self.skip(1, Self::end_word)?;
                self.end_command()
            }
            '&' if doubled("&&") => {
                self.skip(2, |_| Ok(()))?;
                self.end_pipeline(false)
            }
            '&' if doubled("&>") => {
                self.skip(2, Self::end_word)?;
                self.redirects = Some(Redirect::Output);
                Ok(())
            }
            '>' => self.redirect(),
            '<' | '(' | ')' | '&' | '`' => Err(format!("{next:?} in a command")),
            '$' => self.dollar(),
            _ => {
                self.word_mut().push(next);
                self.rest = &rest[next.len_utf8()..];
                Ok(())
            }
        }
    }

    /// Goes on behind so many octets, and then does something.
    fn skip(&mut self, octets: usize, then: fn(&mut Self) -> Result<(), String>) -> Result<(), String> {
        self.rest = &self.rest[octets..];
        then(self)
    }

    fn word_mut(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn quoted(&mut self) -> Result<(), String> {
        self.word_mut();
        self.rest = &self.rest[1..];
        loop {
            let next = self.rest.chars().next().ok_or("a quote without its end")?;
            match next {
                '"' => return self.skip(1, |_| Ok(())),
                '$' => self.dollar()?,
                '`' => return Err("a command inside a command".into()),
                '\\' if self.rest[1..].starts_with(['"', '\\', '$']) => {
                    let literal = self.rest.as_bytes()[1].into();
                    self.word_mut().push(literal);
                    self.rest = &self.rest[2..];
                }
                _ => {
                    self.word_mut().push(next);
                    self.rest = &self.rest[next.len_utf8()..];
                }
            }
        }
    }

    /// `$((1024*1024))` is computed; anything else stays as it is written.
    fn dollar(&mut self) -> Result<(), String> {
        if let Some(behind) = self.rest.strip_prefix("$((") {
            let (sum, behind) = behind.split_once("))").ok_or("$(( without its end")?;
            let number = arithmetic(sum).ok_or_else(|| format!("$(({sum})) in a command"))?;
            self.word_mut().push_str(&number.to_string());
            self.rest = behind;
            return Ok(());
        }
        if self.rest.starts_with("$(") {
            return Err("a command inside a command".into());
        }
        self.word_mut().push('$');
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn redirect(&mut self) -> Result<(), String> {
        let errors = self.word.as_deref() == Some("2");
        if errors || self.word.as_deref() == Some("1") {
            self.word = None;
        }
        self.end_word()?;
        let behind = self.rest.trim_start_matches('>');
        if let Some(behind) = behind.strip_prefix("&1").or_else(|| behind.strip_prefix("&2")) {
            self.rest = behind;
            return Ok(());
        }
        self.rest = behind;
        self.redirects = Some(if errors { Redirect::Errors } else { Redirect::Output });
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), String> {
        let Some(word) = self.word.take() else { return Ok(()) };
        match self.redirects.take() {
            Some(Redirect::Output) => self.command.output = Some(word),
            Some(Redirect::Errors) if word == "/dev/null" => {}
            Some(Redirect::Errors) => return Err(format!("errors into {word}")),
            None => self.command.words.push(word),
        }
        Ok(())
    }

    fn end_command(&mut self) -> Result<(), String> {
        self.end_word()?;
        if self.redirects.is_some() {
            return Err("> without a file".into());
        }
        let command = std::mem::take(&mut self.command);
        if command.words.is_empty() {
            return Err("a pipe without a command".into());
        }
        self.pipeline.commands.push(command);
        Ok(())
    }

    /// Ends a pipeline, if one was begun; the next one runs only after a failure if `otherwise`.
    fn end_pipeline(&mut self, otherwise: bool) -> Result<(), String> {
        self.end_word()?;
        let begun =
            !self.command.words.is_empty() || self.redirects.is_some() || !self.pipeline.commands.is_empty();
        if begun {
            self.end_command()?;
            let pipeline = std::mem::take(&mut self.pipeline);
            self.pipelines.push(pipeline);
        } else if self.command.output.is_some() {
            return Err("> without a command".into());
        }
        self.pipeline.otherwise = otherwise;
        Ok(())
    }
}
