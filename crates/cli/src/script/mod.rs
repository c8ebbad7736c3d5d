//! `faultwire script`: plays packetdrill scripts and tells how each ended, in the order of their paths.

mod arguments;
mod find;
mod tell;
mod work;

use faultwire_script::{Report, Settings};
use indicatif::{ProgressBar, ProgressDrawTarget};

pub(crate) use arguments::ScriptArguments;

use self::find::Unreadable;
use self::tell::Teller;
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::worker::{self, Ending};

pub(crate) fn script(arguments: &ScriptArguments) -> anyhow::Result<Status> {
    let sources = find::sources(&arguments.paths);
    let names: Vec<String> = sources.iter().map(find::Source::name).collect();
    // Drawn on a terminal only.
    let progress = ProgressBar::with_draw_target(Some(names.len() as u64), ProgressDrawTarget::stderr());
    let mut teller = Teller::new(arguments, names, Paint::for_stdout());
    let (settings, jobs) = (arguments.settings(), arguments.jobs);
    let work = move |give: &mut dyn FnMut(_)| {
        let play = move |source: &str| play(source, &settings);
        let played = work::play_all(sources, jobs, play, &mut |outcome| give(Ok(outcome)));
        if let Err(error) = played {
            give(Err(error));
        }
    };
    let ending = worker::work(work, |outcome: anyhow::Result<_>| {
        let (index, outcome) = outcome?;
        let text = teller.take(index, outcome);
        if !text.is_empty() {
            progress.suspend(|| terminal::print(&text))?;
        }
        progress.inc(1);
        Ok(())
    })?;
    progress.finish_and_clear();
    terminal::print(&teller.rest())?;
    terminal::print(&teller.summary())?;
    Ok(match ending {
        Ending::Interrupted => Status::Interrupted,
        Ending::Panicked => Status::Internal,
        Ending::Done => teller.status(),
    })
}

fn play(source: &str, settings: &Settings) -> Result<Report, Unreadable> {
    faultwire_script::run(source, settings)
        .map_err(|error| Unreadable { place: Some((error.at.line, error.at.column)), message: error.message })
}
