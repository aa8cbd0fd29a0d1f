//! Which of many arrays are values and labels, to train on, to test on and to validate on: by their names, or as the user says.

use super::set::{TEST, TRAIN, VALIDATION, VALIDATION_AS_TEST};
use super::{Part, Reading, Source, row_words};
use crate::data::listed::listed;
use crate::error::{Error, Message, Result, Setting, message};

/// How the arrays of a part are called.
const FORMS: [fn(&str) -> [String; 2]; 3] = [
    |part| [format!("x_{part}"), format!("y_{part}")],
    |part| [format!("{part}_images"), format!("{part}_labels")],
    |part| [format!("data_{part}"), format!("target_{part}")],
];

/// Names of the arrays of a set that has no test part.
const SINGLES: [[&str; 2]; 4] = [["x", "y"], ["images", "labels"], ["data", "target"], ["arr_0", "arr_1"]];

/// What arrays are said to be by `--npz-keys`.
const KEYS: &str = "X, y, x_test, y_test, x_val, y_val";

/// The places of the values and of the labels.
pub type Pair = [usize; 2];

/// What arrays are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    pub train: Pair,
    pub test: Option<Pair>,
    pub validation: Option<Pair>,
}

impl Roles {
    /// By the names of the arrays; nothing if there is no pair to train on that `is_meant`.
    pub fn by_name(names: &[String], is_meant: impl Fn(&Pair) -> bool) -> Option<Self> {
        let find = |name: &str| names.iter().position(|own| own.eq_ignore_ascii_case(name));
        let pair_of = |names: &[String; 2]| Some([find(&names[0])?, find(&names[1])?]);
        let part = |form: fn(&str) -> [String; 2], parts: &[&str]| {
            parts.iter().find_map(|name| pair_of(&form(name)))
        };
        let with = |train: Pair, form: Option<fn(&str) -> [String; 2]>| Self {
            train,
            test: form.and_then(|form| part(form, &TEST)),
            validation: form.and_then(|form| part(form, &VALIDATION)),
        };
        let formed = FORMS.into_iter().find_map(|form| Some((form, part(form, &TRAIN).filter(&is_meant)?)));
        if let Some((form, train)) = formed {
            return Some(with(train, Some(form)));
        }
        let train = SINGLES.iter().find_map(|names| pair_of(&names.map(str::to_owned)).filter(&is_meant))?;
        // X and y may have x_test and y_test beside them.
        let has = |form: &fn(&str) -> [String; 2]| {
            part(*form, &TEST).is_some() || part(*form, &VALIDATION).is_some()
        };
        Some(with(train, FORMS.into_iter().find(has)))
    }

    /// As the user says: `theirs=ours,…`, or the names of values and labels alone.
    ///
    /// # Errors
    /// [`Error::Usage`] for names that are not among them, and for roles that are none or lack the other of their pair.
    pub fn by_keys(names: &[String], keys: &str, arrays: impl Fn() -> String) -> Result<Self> {
        let wrong = |problem: String| {
            let problem = message![Setting::NpzKeys.set(keys), ": ", problem];
            Error::usage(problem)
                .hint(format!("write theirs=ours, where ours is one of {KEYS}; there are {}", arrays()))
        };
        let items: Vec<&str> = keys.split(',').map(str::trim).collect();
        let pairs: Vec<(&str, &str)> = match &items[..] {
            [x, y] if !x.contains('=') && !y.contains('=') => vec![(x, "x"), (y, "y")],
            items => {
                let pairs = items.iter().map(|item| item.split_once('='));
                let pairs: Option<Vec<_>> =
                    pairs.map(|pair| pair.map(|(theirs, ours)| (theirs.trim(), ours.trim()))).collect();
                pairs.ok_or_else(|| {
                    wrong("expected pairs theirs=ours, or the names of values and labels".into())
                })?
            }
        };
        let mut found: [[Option<usize>; 2]; 3] = Default::default();
        for (theirs, ours) in pairs {
            let place = names.iter().position(|own| own == theirs);
            let place = place.ok_or_else(|| wrong(format!("there is no array `{theirs}`")))?;
            let [part, side] = role(ours).ok_or_else(|| wrong(format!("`{ours}` is none of these roles")))?;
            if found[part][side].replace(place).is_some() {
                return Err(wrong(format!("two arrays are given as `{ours}`")));
            }
        }
        let pair = |part: usize| match found[part] {
            [Some(values), Some(labels)] => Ok(Some([values, labels])),
            [None, None] => Ok(None),
            [has_values, _] => {
                let (there, lacking) =
                    if has_values.is_some() { ("values", "labels") } else { ("labels", "values") };
                let set = ["training", "test", "validation"][part];
                Err(wrong(format!("the {set} set has {there} and no {lacking}")))
            }
        };
        let (train, test, validation) = (pair(0)?, pair(1)?, pair(2)?);
        let train = train.ok_or_else(|| wrong("no array is called X, and none y".into()))?;
        Ok(Self { train, test, validation })
    }

    /// The same where a set to validate on is tested on if there is no other, and what is to be said of that, and of the arrays
    /// that are left out.
    pub fn settled(mut self, names: &[String]) -> (Self, Vec<String>) {
        let mut notes = Vec::new();
        if self.test.is_none() && self.validation.is_some() {
            self.test = self.validation.take();
            notes.push(VALIDATION_AS_TEST.to_owned());
        }
        let used = self.places();
        let unused = (0..names.len()).filter(|place| !used.contains(place));
        let unused: Vec<String> = unused.map(|place| names[place].clone()).collect();
        notes.extend((!unused.is_empty()).then(|| format!("arrays that are left out: {}", listed(&unused))));
        (self, notes)
    }

    /// The set of these pairs, each of which `read` makes a part; `what` it is.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn source(
        self,
        what: &str,
        notes: Vec<String>,
        reading: Reading<'_>,
        mut read: impl FnMut(Pair, Reading<'_>) -> Result<Part>,
    ) -> Result<Source> {
        let mut left = reading.memory;
        let mut part = |pair: Pair| {
            let part = read(pair, Reading { memory: left, ..reading })?;
            left = left.saturating_sub(part.memory());
            Ok::<_, Error>(part)
        };
        let train = part(self.train)?;
        let (test, validation) =
            (self.test.map(&mut part).transpose()?, self.validation.map(&mut part).transpose()?);
        let rows: usize =
            [Some(&train), test.as_ref(), validation.as_ref()].into_iter().flatten().map(Part::len).sum();
        let what = format!("{what}: {rows} rows of {}", row_words(train.image_shape, train.features));
        let notes = notes.into_iter().map(Message::from).collect();
        Ok(Source { what, notes, train, validation, test, classes: None, target: None, schema: None })
    }

    /// The arrays that are used.
    pub fn places(&self) -> Vec<usize> {
        [Some(self.train), self.test, self.validation].into_iter().flatten().flatten().collect()
    }
}

/// The part of a set that a name means, and whether it means values or labels.
fn role(name: &str) -> Option<[usize; 2]> {
    let name = name.to_ascii_lowercase();
    let (side, part) = match name.split_at_checked(1)? {
        ("x", part) => (0, part),
        ("y", part) => (1, part),
        _ => return None,
    };
    let part = match part.strip_prefix('_') {
        None if part.is_empty() => 0,
        Some(part) if TRAIN.contains(&part) => 0,
        Some(part) if TEST.contains(&part) => 1,
        Some(part) if VALIDATION.contains(&part) => 2,
        _ => return None,
    };
    Some([part, side])
}
