//! The training options of `gpu-mlp sweep`: those of `gpu-mlp train`, with one value or several.

use clap::builder::Resettable;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::cli::train::Options;
use crate::error::{Error, Result};
use crate::training::sweep::{Axis, Values};

/// Options whose values have commas in them: each time that they are given is a value.
const WITH_COMMAS: [&str; 2] = ["hidden", "activation"];

/// What was given for each option, in the order of the help text.
#[derive(Debug, Clone, Default)]
pub(super) struct Varied(Vec<Given>);

/// What was given for an option: as often as it was given.
#[derive(Debug, Clone)]
struct Given {
    option: String,
    texts: Vec<String>,
    is_flag: bool,
}

/// The options of `train`.
fn options() -> Command {
    Options::augment_args(Command::new("train").no_binary_name(true))
}

fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// An option of `train` that takes several values.
fn varied(arg: &Arg) -> Arg {
    let own = arg
        .clone()
        .action(ArgAction::Append)
        .default_value(Resettable::Reset)
        .hide_possible_values(true)
        .allow_negative_numbers(true)
        .help_heading("Training options, each with one value or several");
    match is_flag(arg) {
        true => own.num_args(0..=1).default_missing_value("true").value_name("true|false"),
        false => own.num_args(1),
    }
    .value_parser(clap::value_parser!(String))
}

impl Args for Varied {
    fn augment_args(command: Command) -> Command {
        command.args(options().get_arguments().map(varied).collect::<Vec<_>>())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Varied {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let given = |arg: &Arg| {
            let texts = matches.get_many::<String>(arg.get_id().as_str())?;
            let option = arg.get_long().unwrap_or_default().to_owned();
            Some(Given { option, texts: texts.cloned().collect(), is_flag: is_flag(arg) })
        };
        Ok(Self(options().get_arguments().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn refused(option: &str, why: &str) -> Error {
    let hint = "ranges are such as 1..5, 0..0.5:6, log:1e-4..1:5, or with --trials log:1e-4..1";
    Error::usage(format!("--{option}: {why}")).hint(hint)
}

/// Words of a command line, such as `--lr 0.1`.
type Words = Vec<String>;

impl Varied {
    /// The options with several values, and the words of those with one.
    ///
    /// # Errors
    /// [`Error::Usage`] for a range that cannot be meant, or a value that the option does not take.
    pub fn axes(&self) -> Result<(Vec<Axis>, Words)> {
        let (mut axes, mut fixed) = (Vec::new(), Words::new());
        for Given { option, texts, .. } in &self.0 {
            let values = match WITH_COMMAS.contains(&option.as_str()) {
                true => Values::listed(texts.clone()),
                false => Values::parse(texts, self.is_whole(option)).map_err(|why| refused(option, &why))?,
            };
            if let Values::Listed(values) = &values {
                for value in values {
                    self.parsed(&self.words(option, value))?;
                }
                if let [one] = &values[..] {
                    fixed.extend(self.words(option, one));
                    continue;
                }
            }
            axes.push(Axis { option: option.clone(), values });
        }
        Ok((axes, fixed))
    }

    /// Whether an option takes whole numbers only.
    fn is_whole(&self, option: &str) -> bool {
        self.parsed(&self.words(option, "0.5")).is_err() && self.parsed(&self.words(option, "5")).is_ok()
    }

    /// Whether something was given for an option, by its name in `config.json`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|given| given.option.replace('-', "_") == name)
    }

    /// An option and its value as `train` takes them.
    pub fn words(&self, option: &str, value: &str) -> Words {
        let flag = self.0.iter().any(|given| given.option == option && given.is_flag);
        match value {
            "true" if flag => vec![format!("--{option}")],
            "false" if flag => Vec::new(),
            value => vec![format!("--{option}={value}")],
        }
    }

    /// The options that words of a command line stand for.
    ///
    /// # Errors
    /// [`Error::Usage`] with the words that `train` has for it.
    pub fn parsed(&self, words: &[String]) -> Result<Options> {
        let parsed =
            options().try_get_matches_from(words).and_then(|found| Options::from_arg_matches(&found));
        parsed.map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Error::usage(first.strip_prefix("error: ").unwrap_or(first).to_owned())
        })
    }
}
