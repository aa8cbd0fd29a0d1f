//! The command line as it was given, for the training that it describes.

use crate::words::shell::quoted;

/// Options of `lr-find` that `train` would misunderstand: with a value, and without.
const WITH_VALUE: &str = "--out";
const FLAGS: [&str; 3] = ["--json", "--quiet", "-q"];

/// `gpu-mlp train` with the same options and this learning rate.
pub(super) fn command(lr: f32) -> String {
    of_words(std::env::args().skip(2), lr)
}

fn of_words(words: impl Iterator<Item = String>, lr: f32) -> String {
    let mut command = format!("gpu-mlp train --lr {lr:?}");
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        if word == WITH_VALUE {
            words.next();
        } else if !FLAGS.contains(&word.as_str()) && !word.starts_with("--out=") {
            command.push(' ');
            command.push_str(&quoted(&word));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::of_words;

    #[test]
    fn the_training_has_the_same_options() {
        let words = ["--data", "my file.csv", "--out", "x.html", "--hidden", "", "-q", "--out=y", "--json"];
        let command = of_words(words.into_iter().map(str::to_owned), 0.002);
        assert_eq!(command, "gpu-mlp train --lr 0.002 --data 'my file.csv' --hidden ''");
    }
}
