//! The dashboard on the terminal: `--tui`.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{event, execute};

use super::{Ending, Face, Opening, text};
use crate::cli::dashboard::{Board, Wish, wish};
use crate::cli::interrupt;
use crate::cli::output::{held, hold, note, release, say};
use crate::cli::train::config_file;
use crate::error::{Error, Result};
use crate::step::metrics::EpochRecord;

/// The time between two checks of the keys, and between two drawings.
const MOMENT: Duration = Duration::from_millis(50);

/// The speed is shown after it was measured for this long.
const MEASURED: Duration = Duration::from_millis(500);

pub(super) struct Screen {
    inner: RefCell<Inner>,
    save: Cell<bool>,
}

struct Inner {
    terminal: Option<Terminal<CrosstermBackend<io::Stdout>>>,
    board: Board,
    heading: Vec<String>,
    drawn: Instant,
    /// The time of the first step of this process, and the samples of all epochs that were done by then.
    begun: Option<(Instant, usize)>,
    /// The same for the current epoch.
    epoch_begun: Option<(Instant, usize)>,
}

impl Screen {
    /// Nothing is drawn yet.
    ///
    /// # Errors
    /// [`Error::Usage`] if standard output is not a terminal that can be drawn on.
    pub fn new() -> Result<Self> {
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if !io::stdout().is_terminal() || dumb {
            let hint = "leave --tui out; --json gives programs what they need";
            return Err(Error::usage(format!(
                "--tui needs a terminal, and standard output is not a terminal that can show it\n  hint: {hint}"
            )));
        }
        let colors = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let board = Board { colors, ..Board::default() };
        let inner = Inner {
            terminal: None,
            board,
            heading: Vec::new(),
            drawn: Instant::now(),
            begun: None,
            epoch_begun: None,
        };
        Ok(Self { inner: RefCell::new(inner), save: Cell::new(false) })
    }

    /// Reads the keys and draws, if enough time has passed.
    fn tick(&self) {
        let mut inner = self.inner.borrow_mut();
        if inner.drawn.elapsed() < MOMENT {
            return;
        }
        // A terminal that is gone is told of by a signal.
        while event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(event) = event::read() else { break };
            match wish(&event) {
                Some(Wish::Interrupt) => interrupt::ask(130),
                Some(Wish::Stop) if !interrupt::asked() => interrupt::ask(130),
                Some(Wish::Save) => self.save.set(true),
                Some(Wish::Stop) | None => {}
            }
        }
        inner.draw();
    }
}

impl Inner {
    fn draw(&mut self) {
        self.drawn = Instant::now();
        self.board.notes = held();
        self.board.ending = interrupt::asked();
        if let Some(terminal) = &mut self.terminal {
            let _ = terminal.draw(|frame| self.board.draw(frame));
        }
    }

    /// Speed and time left, after the given number of samples of all epochs.
    fn measure(&mut self, done: usize) {
        let (begun, before) = *self.begun.get_or_insert((Instant::now(), done));
        let board = &mut self.board;
        let all = board.total_epochs * board.of;
        let elapsed = begun.elapsed();
        board.seconds_left = (elapsed > MEASURED && done > before)
            .then(|| elapsed.as_secs_f64() / (done - before) as f64 * all.saturating_sub(done) as f64);
        if let Some((begun, before)) = self.epoch_begun.filter(|(begun, _)| begun.elapsed() > MEASURED) {
            let samples = board.samples.saturating_sub(before);
            board.samples_per_second = Some(samples as f64 / begun.elapsed().as_secs_f64());
        }
    }
}

impl Face for Screen {
    fn start(&self, opening: &Opening<'_>) -> Result<()> {
        let mut inner = self.inner.borrow_mut();
        inner.heading = text::heading(opening);
        let board = &mut inner.board;
        let sizes: Vec<String> = opening.spec.sizes().iter().map(usize::to_string).collect();
        let (data, engine) = (&opening.dataset.name, opening.engine);
        board.title = format!("{data} · {} · {}: {}", sizes.join("-"), engine.backend, engine.adapter);
        board.run = opening.run.display().to_string();
        board.options = config_file::chosen(&opening.config.train)?;
        board.epochs = opening.history.to_vec();
        board.total_epochs = opening.config.train.total_epochs();
        (board.epoch, board.samples, board.of) = (0, 0, opening.plan.train.len());
        (inner.begun, inner.epoch_begun) = (None, None);
        match &mut inner.terminal {
            // A driver may have written over it.
            Some(terminal) => drop(terminal.clear()),
            None => inner.terminal = Some(open()?),
        }
        inner.draw();
        Ok(())
    }

    fn progress(&self, epoch: usize, samples: usize, of: usize) {
        {
            let mut inner = self.inner.borrow_mut();
            if inner.board.epoch != epoch || samples < inner.board.samples {
                inner.epoch_begun = Some((Instant::now(), samples));
            }
            (inner.board.epoch, inner.board.samples, inner.board.of) = (epoch, samples, of);
            inner.measure((epoch - 1) * of + samples);
        }
        self.tick();
    }

    fn epoch(&self, record: &EpochRecord) {
        {
            let board = &mut self.inner.borrow_mut().board;
            board.samples_per_second = Some(record.samples_per_second);
            board.epochs.push(record.clone());
        }
        self.tick();
    }

    fn end(&self, ending: &Ending<'_>) {
        release();
        let inner = self.inner.borrow();
        inner.heading.iter().for_each(|line| say(line));
        text::summary(ending).iter().for_each(|line| say(line));
    }

    fn save_wanted(&self) -> bool {
        let wanted = self.save.take();
        if wanted {
            note("saving a checkpoint");
        }
        wanted
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        release();
    }
}

/// Takes the terminal, and gives it back in every case.
fn open() -> Result<Terminal<CrosstermBackend<io::Stdout>>> {
    hold(give_back);
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        release();
        report(panic);
    }));
    let opened = enable_raw_mode()
        .and_then(|()| execute!(io::stdout(), EnterAlternateScreen))
        .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
    let mut terminal = opened.map_err(Error::io("draw on", "the terminal"))?;
    let _ = terminal.hide_cursor();
    Ok(terminal)
}

fn give_back() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}
