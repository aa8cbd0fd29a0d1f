//! The command line as a whole: help pages, completions, manual pages.

use clap::Command;
use gpu_mlp::error::Setting;

use crate::program::Place;

/// Every command with the words that call it.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn add(words: Vec<String>, command: &Command, all: &mut Vec<(Vec<String>, Command)>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let words = [&words[..], &[inner.get_name().to_owned()]].concat();
            add(words, inner, all);
        }
        all.push((words, command.clone()));
    }
    let mut all = Vec::new();
    add(vec!["gpu-mlp".into()], &gpu_mlp::cli::command(), &mut all);
    all
}

/// The examples of a help page, without what a shell or a remark adds.
fn examples(help: &str) -> Vec<Vec<String>> {
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    let words = |line: &str| {
        let call = line.trim().split("   ").next().unwrap_or_default();
        let call = call.split(" > ").next().and_then(|call| call.split(" >> ").next()).unwrap_or_default();
        let call = call.rsplit(" | ").next().unwrap_or_default();
        call.split(' ').map(|word| word.trim_matches('"').to_owned()).collect()
    };
    lines.map(words).collect()
}

#[test]
fn every_help_page_has_examples_that_the_program_understands() {
    let all = commands();
    assert!(all.len() > 15, "{}", all.len());
    for (words, mut command) in all {
        let examples = examples(&command.render_help().to_string());
        assert!(!examples.is_empty(), "{words:?} --help has no examples");
        assert!(examples.iter().any(|example| example.starts_with(&words)), "{words:?}: {examples:?}");
        for example in examples {
            let parsed = gpu_mlp::cli::command().try_get_matches_from(&example);
            assert!(parsed.is_ok(), "{example:?}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn clap_finds_nothing_wrong_with_the_options() {
    gpu_mlp::cli::command().debug_assert();
}

#[test]
fn every_option_is_explained() {
    for (words, command) in commands() {
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{words:?}: {}", arg.get_id());
        }
    }
}

#[test]
fn shells_complete_every_subcommand_and_option() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).ok();
        for word in ["train", "predict", "early-stopping", "label-column"] {
            assert!(script.contains(word), "{shell} knows nothing of {word}");
        }
    }
    place.run(&["completions", "csh"]).fails(2, &["invalid value 'csh'", "bash"]);
}

#[test]
fn every_subcommand_has_a_manual_page() {
    let place = Place::new();
    place.run(&["man", "--out", "pages"]).ok();
    let page = place.text("pages/gpu-mlp-data-make.1");
    assert!(page.contains("digits") && page.contains(".SH"), "{page}");
    for (words, _) in commands() {
        let page = place.text(&format!("pages/{}.1", words.join("-")));
        assert!(page.contains("Examples:"), "{words:?}");
    }
}

#[test]
fn a_number_that_is_none_is_named_so() {
    let place = Place::new();
    for (option, value, words) in [
        ("--lr", "1e39", "'1e39' for '--lr <RATE>': the number is too large"),
        ("--lr", "1e-50", "the number is too small to differ from 0"),
        ("--lr", "fast", "expected a number such as 0.1"),
        ("--lr", "nan", "expected a number such as 0.1"),
        ("--lr", "inf", "expected a number such as 0.1"),
        ("--lr", "-0.1", "--lr -0.1: expected a number greater than 0"),
        ("--lr", "0e9", "--lr 0: expected a number greater than 0"),
        ("--seed", "-1", "'-1' for '--seed <N>': expected a whole number, 0 or more"),
        ("--seed", "18446744073709551616", "the number is too large"),
        ("--epochs", "1e3", "expected a whole number, 0 or more"),
        ("--epochs", "", "expected a whole number, 0 or more"),
        ("--validation-fraction", "1e-400", "the number is too small to differ from 0"),
    ] {
        place.run(&["train", option, value]).fails(2, &[words]);
    }
}

/// Errors of the library name settings; as flags they are the program's.
#[test]
fn every_setting_that_an_error_names_is_an_option() {
    let all = commands();
    let options: Vec<&str> = all
        .iter()
        .flat_map(|(_, command)| command.get_arguments().filter_map(|arg| arg.get_long()))
        .collect();
    for setting in Setting::ALL {
        assert!(options.contains(&setting.name().replace('_', "-").as_str()), "{setting:?}");
    }
}
