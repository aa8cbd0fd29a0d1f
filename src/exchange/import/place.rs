//! Where a layer stands in its network, as far as its name says: `fc1` before `fc2`, `features.3` before `classifier.0`, anything
//! before `output`.

/// Words for what comes before all else, and for what comes after all else; any other word is between them.
const FIRST: [&str; 10] =
    ["input", "inputs", "in", "first", "stem", "embed", "embedding", "embeddings", "encoder", "encode"];
const LAST: [&str; 16] = [
    "output",
    "outputs",
    "out",
    "head",
    "heads",
    "classifier",
    "final",
    "last",
    "logits",
    "decoder",
    "decode",
    "predictor",
    "prediction",
    "regressor",
    "readout",
    "top",
];

/// What a word says of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    First,
    Middle,
    Last,
}

/// A part of a name: a number, or a word. Numbers are sorted as numbers, words by their ranks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Token {
    rank: Rank,
    number: Option<u64>,
    word: String,
}

/// The place of a layer, by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Vec<Token>);

impl Place {
    /// Of the layer's part of a tensor's name: `net.3` of `net.3.weight`.
    pub fn of(stem: &str) -> Self {
        let mut tokens = Vec::new();
        for part in stem.split('.') {
            let word = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let number = part[word.len()..].parse().ok();
            let word = if number.is_some() { word } else { part };
            let word = word.trim_end_matches(['_', '-']).to_lowercase();
            if !word.is_empty() {
                tokens.push(Token { rank: rank(&word), number: None, word });
            }
            tokens.extend(number.map(|number| Token {
                rank: Rank::Middle,
                number: Some(number),
                word: String::new(),
            }));
        }
        Self(tokens)
    }

    /// Of an array that is called by a letter and a number, such as `W2`.
    pub fn numbered(number: usize) -> Self {
        Self(vec![Token { rank: Rank::Middle, number: Some(number as u64), word: String::new() }])
    }

    /// Whether the names say which of the two comes first.
    pub fn is_comparable(&self, other: &Self) -> bool {
        let different = self.0.iter().zip(&other.0).find(|(own, other)| own != other);
        different.is_some_and(|(own, other)| {
            own.rank != other.rank || (own.number.is_some() && other.number.is_some())
        })
    }

    /// Whether the name says anything of the order: it has a number, or a word that is first or last.
    pub fn is_told(&self) -> bool {
        self.0.iter().any(|token| token.number.is_some() || token.rank != Rank::Middle)
    }

    /// The numbers in the name.
    pub fn numbers(&self) -> Vec<u64> {
        self.0.iter().filter_map(|token| token.number).collect()
    }

    /// How many parts at the beginning both have.
    pub fn shared(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).take_while(|(own, other)| own == other).count()
    }

    /// The number in a sequence whose other parts are called alike, such as 3 of `net.3`; of both, if they are in the same one.
    pub fn in_sequence(&self, other: &Self) -> Option<(u64, u64)> {
        let ((own, before), (others, other_before)) = (self.0.split_last()?, other.0.split_last()?);
        own.number.zip(others.number).filter(|_| before == other_before)
    }

    /// Whether its name says that it comes before all else.
    pub fn is_first(&self) -> bool {
        self.0.iter().any(|token| token.rank == Rank::First)
    }
}

/// By the words of which it is put together: `fc_out` is at the end.
fn rank(word: &str) -> Rank {
    let has = |words: &[&str]| word.split(['_', '-']).any(|part| words.contains(&part));
    match () {
        () if has(&LAST) => Rank::Last,
        () if has(&FIRST) => Rank::First,
        () => Rank::Middle,
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn names_say_the_order_or_that_they_do_not() {
        for (first, second) in [
            ("fc2", "fc10"),
            ("net.3", "net.12"),
            ("features.7", "classifier.0"),
            ("stem.1", "body.0"),
            ("body.9", "head.0"),
            ("model.encoder.4", "model.decoder.0"),
            ("blocks.0.fc2", "blocks.1.fc1"),
            ("input_layer", "hidden"),
            ("hidden", "fc_out"),
            ("model.6", "model.output"),
        ] {
            let (a, b) = (Place::of(first), Place::of(second));
            assert!(a < b && a.is_comparable(&b), "{first} comes before {second}");
        }
        for (one, other) in [("fc", "fc2"), ("l_a", "l_b"), ("backbone.0", "fc"), ("mlp.0", "linear.1")] {
            assert!(!Place::of(one).is_comparable(&Place::of(other)), "{one}, {other}");
        }
    }
}
