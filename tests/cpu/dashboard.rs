//! `train --tui`: what is drawn, what keys mean, and a run in a terminal.

use gpu_mlp::cli::dashboard::{Board, Wish, wish};
use gpu_mlp::step::metrics::{EpochRecord, Measure, Score};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;

/// The lines that a board draws, without blanks at their ends.
fn drawn(board: &Board, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| board.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect()
}

fn score(loss: f64, accuracy: f64) -> Score {
    Score::of_loss(loss).with(Measure::Accuracy, accuracy)
}

fn record(epoch: usize, validation: bool) -> EpochRecord {
    let loss = 1.0 / epoch as f64;
    EpochRecord {
        epoch,
        train: score(loss, 1.0 - loss / 4.0),
        test: score(loss + 0.1, 0.95 - loss / 4.0),
        validation: validation.then(|| score(loss + 0.2, 0.9 - loss / 4.0)),
        seconds: 1.0,
        samples_per_second: 1234.0,
    }
}

/// A run in the middle of its fourth epoch.
fn midway() -> Board {
    Board {
        title: "digits · 784-300-75-10 · cpu: 2 threads".into(),
        run: "runs/mine".into(),
        options: "--lr 0.05".into(),
        epochs: (1..=3).map(|epoch| record(epoch, true)).collect(),
        total_epochs: 10,
        epoch: 4,
        samples: 4500,
        of: 9000,
        samples_per_second: Some(57_788.4),
        seconds_left: Some(75.0),
        ending: false,
        notes: vec!["note: one".into(), "note: two\n  hint: three".into(), "note: four".into()],
        colors: true,
    }
}

#[test]
fn before_the_first_step_there_are_frames_without_curves() {
    let board = Board {
        epochs: Vec::new(),
        epoch: 0,
        samples: 0,
        samples_per_second: None,
        seconds_left: None,
        notes: Vec::new(),
        ..midway()
    };
    let lines = drawn(&board, 80, 20);
    assert_eq!(lines[0], "digits · 784-300-75-10 · cpu: 2 threads");
    assert_eq!(lines[1], "runs/mine  --lr 0.05");
    assert_eq!(lines[2], "┌ loss  ⠒ train  ⠒ test ───────────────┐┌ accuracy  ⠒ train  ⠒ test ───────────┐");
    assert!(lines[13].starts_with("epoch 0/10 ░░░"), "{lines:#?}");
    assert_eq!(lines[14], "starting");
    assert_eq!(lines[19], "q saves and stops   s saves and continues");
}

#[test]
fn in_the_middle_of_a_run_everything_is_there() {
    let lines = drawn(&midway(), 100, 24);
    let text = lines.join("\n");
    assert!(lines[2].contains("loss  ⠒ train  ⠒ test  ⠒ validation"), "{text}");
    assert!(lines[3].starts_with("│1.20│") && lines[3].contains("│100 %│"), "the scales: {text}");
    assert!(
        lines.iter().filter(|line| line.contains(|c| ('\u{2801}'..'\u{28ff}').contains(&c))).count() > 8,
        "{text}"
    );
    let bar = &lines[17];
    assert!(bar.starts_with("epoch 4/10  4,500/9,000 ██"), "{text}");
    let (filled, empty) = (bar.matches('█').count(), bar.matches('░').count());
    assert!(filled.abs_diff(empty) <= 1, "half of it: {bar}");
    assert_eq!(lines[18], "57,788 samples/s, 1 min 15 s left");
    assert_eq!(
        lines[19],
        "after epoch 3: test 0.4333 86.67 %   train 0.3333 91.67 %   validation 0.5333 81.67 %"
    );
    assert_eq!(lines[20..23], ["note: two", "  hint: three", "note: four"], "the newest notes");
    assert_eq!(lines[23], "q saves and stops   s saves and continues");

    let ending = drawn(&Board { ending: true, ..midway() }, 100, 24);
    assert_eq!(ending[23], "saving and stopping…");
}

#[test]
fn a_tiny_terminal_gets_the_lines_that_matter() {
    let lines = drawn(&midway(), 20, 8);
    let expected = [
        "epoch 4/10  4,500/9,",
        "57,788 samples/s, 1",
        "after epoch 3: test",
        "q saves and stops",
        "note: four",
        "digits · 784-300-75-",
        "runs/mine",
        "",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn no_size_and_no_state_is_too_much() {
    let odd = Board {
        epochs: vec![EpochRecord {
            train: Score::of_loss(0.0),
            test: score(f64::MAX, 0.0),
            ..record(1, false)
        }],
        samples: 9,
        of: 3,
        ..midway()
    };
    for board in [Board::default(), midway(), odd] {
        for width in (1..=90).chain([300]) {
            for height in (1..=30).chain([200]) {
                drawn(&board, width, height);
            }
        }
    }
}

#[test]
fn without_colours_letters_tell_curves_apart() {
    let colors = |board: &Board| {
        let mut terminal = Terminal::new(TestBackend::new(100, 24)).unwrap();
        terminal.draw(|frame| board.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        buffer.content().iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    let plain = Board { colors: false, ..midway() };
    assert!(colors(&midway()) > 20);
    assert_eq!(colors(&plain), 0);
    let lines = drawn(&plain, 100, 24);
    assert!(lines[2].contains("⠒ train  t test  v validation"), "{lines:#?}");
    assert!(lines[4..15].iter().any(|line| line.contains("ttt")), "{lines:#?}");
}

#[test]
fn keys_end_or_save() {
    let key = |code, modifiers| wish(&Event::Key(KeyEvent::new(code, modifiers)));
    let plain = |letter| key(KeyCode::Char(letter), KeyModifiers::NONE);
    assert_eq!(
        (plain('q'), plain('s'), plain('c'), plain('x')),
        (Some(Wish::Stop), Some(Wish::Save), None, None)
    );
    assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::Interrupt));
    assert_eq!(key(KeyCode::Char('s'), KeyModifiers::CONTROL), None);
    assert_eq!(key(KeyCode::Esc, KeyModifiers::NONE), None);
    assert_eq!(wish(&Event::Resize(10, 10)), None);
}

#[test]
fn a_dashboard_needs_a_terminal_and_has_it_alone() {
    let place = crate::program::Place::new();
    place.train(&["--tui"]).fails(2, &["--tui needs a terminal", "hint: leave --tui out"]);
    place.train(&["--tui", "--json"]).fails(2, &["'--tui' cannot be used with '--json'"]);
    place.train(&["--tui", "--quiet"]).fails(2, &["cannot be used with"]);
    assert!(!place.path("runs").exists());
}

#[cfg(target_os = "linux")] // whose `script` gives a program a terminal
mod in_a_terminal {
    use std::io::{Read, Write};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use crate::cli_resume::same;
    use crate::program::Place;

    const TAKEN: &str = "\u{1b}[?1049h";
    const GIVEN_BACK: &str = "\u{1b}[?1049l";

    const TRAIN: &str = "train --backend cpu --data tiny --hidden 7 --batch-size 8 --seed 3";

    /// The program with these options in a terminal of 80 x 24, whose keys are pressed on standard input.
    fn start(place: &Place, options: &str) -> Option<Child> {
        let program = format!("stty cols 80 rows 24; {} {TRAIN} {options}", env!("CARGO_BIN_EXE_gpu-mlp"));
        let mut command = Command::new("script");
        command.args(["-qefc", &program, "/dev/null"]).current_dir(place.path(""));
        command.env("HOME", place.path("home")).env("TERM", "xterm").env_remove("NO_COLOR");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().inspect_err(|_| eprintln!("skipped: there is no `script`")).ok()
    }

    fn wait_for_epochs(place: &Place, epochs: usize) {
        let metrics = || std::fs::read_to_string(place.path("a/metrics.jsonl")).unwrap_or_default();
        let sign = format!("\"epoch\":{epochs},");
        assert!(
            (0..600).any(|_| {
                std::thread::sleep(Duration::from_millis(50));
                metrics().contains(&sign)
            }),
            "{}",
            metrics()
        );
    }

    /// Its exit code, and all that it drew and printed.
    fn end(mut child: Child) -> (Option<i32>, String) {
        let mut out = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
        (child.wait().unwrap().code(), String::from_utf8_lossy(&out).into_owned())
    }

    /// What is printed once the terminal is given back, which has to happen once and in the end.
    #[track_caller]
    fn after(screen: &str) -> &str {
        assert_eq!((screen.matches(TAKEN).count(), screen.matches(GIVEN_BACK).count()), (1, 1), "{screen}");
        let (drawn, after) = screen.split_once(GIVEN_BACK).unwrap();
        assert!(drawn.contains("accuracy") && !after.contains(TAKEN), "{screen}");
        after
    }

    #[test]
    fn keys_save_and_end_a_run_that_goes_on_as_if_nothing_had_been() {
        let place = Place::new();
        let Some(mut child) = start(&place, "--epochs 1000000 --out a --tui") else { return };
        wait_for_epochs(&place, 2);
        let mut keys = child.stdin.take().unwrap();
        keys.write_all(b"s").unwrap();
        std::thread::sleep(Duration::from_millis(500));
        keys.write_all(b"q").unwrap();
        let (code, screen) = end(child);
        assert_eq!(code, Some(130), "{screen}");
        let after = after(&screen);
        for words in [
            "note: saving a checkpoint",
            "saving and stopping",
            "data     tiny",
            "interrupted and saved. To continue: gpu-mlp train --resume a",
        ] {
            assert!(after.contains(words), "{words}: {after}");
        }
        let metrics = place.text("a/metrics.jsonl");
        let done = metrics.lines().filter(|line| line.contains("\"event\":\"epoch\"")).count();
        let epochs = (done + 2).to_string();
        place.run(&["train", "--resume", "a", "--epochs", &epochs, "--quiet"]).ok();
        let straight: Vec<&str> =
            TRAIN.split(' ').chain(["--quiet", "--out", "straight", "--epochs", &epochs]).collect();
        place.run(&straight).ok();
        same(&place, "a", "straight");
    }

    #[test]
    fn the_result_stands_on_the_normal_screen() {
        let place = Place::new();
        let Some(child) = start(&place, "--epochs 5 --out a --tui") else { return };
        let (code, screen) = end(child);
        assert_eq!(code, Some(0), "{screen}");
        let after = after(&screen);
        assert!(after.contains("test accuracy ") && after.contains("after 5 epochs"), "{after}");
    }

    #[test]
    fn an_error_and_a_signal_give_the_terminal_back() {
        let place = Place::new();
        let Some(child) = start(&place, "--epochs 1000000 --out a --tui") else { return };
        wait_for_epochs(&place, 2);
        std::fs::rename(place.path("a"), place.path("gone")).unwrap();
        let (code, screen) = end(child);
        assert_eq!(code, Some(2), "{screen}");
        assert!(after(&screen).contains("the folder of the run is gone"), "{screen}");

        let Some(child) = start(&place, "--epochs 1000000 --out a --tui") else { return };
        wait_for_epochs(&place, 2);
        let holder = place.text("a/.lock");
        assert!(Command::new("kill").args(["-TERM", &holder]).status().unwrap().success());
        let (code, screen) = end(child);
        assert_eq!(code, Some(143), "{screen}");
        assert!(after(&screen).contains("interrupted and saved."), "{screen}");
    }

    #[test]
    fn a_run_that_diverges_goes_on_in_the_same_dashboard() {
        let place = Place::new();
        let options = "--lr 1e30 --on-divergence lower-lr --epochs 3 --out a --tui";
        let Some(child) = start(&place, options) else { return };
        let (code, screen) = end(child);
        assert_eq!(code, Some(5), "1e30 halved eight times is too much still: {screen}");
        let after = after(&screen);
        assert_eq!(after.matches("continuing from the newest checkpoint with --lr").count(), 8, "{after}");
        assert!(after.contains("error: training diverged"), "{after}");
    }
}
