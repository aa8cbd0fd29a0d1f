//! An epoch's record as a flat line of JSON: `{"epoch":1,"train_loss":…,"train_accuracy":…,"test_loss":…}`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::metrics::{EpochRecord, Measure, Score};

impl Score {
    /// The score of a part, from numbers by their names; nothing without its loss.
    fn read(numbers: &BTreeMap<String, f64>, part: &str) -> Option<Self> {
        let loss = *numbers.get(&format!("{part}_loss"))?;
        let of = |score: Self, measure: Measure| match numbers.get(&format!("{part}_{}", measure.key())) {
            Some(&value) => score.with(measure, value),
            None => score,
        };
        Some(Measure::ALL.into_iter().fold(Self::of_loss(loss), of))
    }

    /// Writes the score of a part under the part's name; a missing score has null for every measure of
    /// `like`, so that all lines of a run have the same keys.
    pub fn write<M: SerializeMap>(
        score: Option<&Self>,
        like: &Self,
        part: &str,
        map: &mut M,
    ) -> Result<(), M::Error> {
        map.serialize_entry(&format!("{part}_loss"), &score.map(|score| score.loss))?;
        for (measure, _) in score.unwrap_or(like).all() {
            let value = score.and_then(|score| score.get(measure));
            map.serialize_entry(&format!("{part}_{}", measure.key()), &value)?;
        }
        Ok(())
    }
}

/// The score of the test part where it stands among other numbers; of a run without an epoch there is a loss of null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestScore(pub Option<Score>);

impl Serialize for TestScore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        Score::write(self.0.as_ref(), &Score::of_loss(0.0), "test", &mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for TestScore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = deserializer.deserialize_map(Numbers)?;
        Ok(Self(Score::read(&numbers, "test")))
    }
}

/// The score of the validation part where it stands among other numbers; without one there is nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValidationScore(pub Option<Score>);

impl Serialize for ValidationScore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(score) = &self.0 {
            Score::write(Some(score), score, "validation", &mut map)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ValidationScore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = deserializer.deserialize_map(Numbers)?;
        Ok(Self(Score::read(&numbers, "validation")))
    }
}

impl Serialize for EpochRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("epoch", &self.epoch)?;
        Score::write(Some(&self.train), &self.train, "train", &mut map)?;
        Score::write(Some(&self.test), &self.test, "test", &mut map)?;
        Score::write(self.validation.as_ref(), &self.test, "validation", &mut map)?;
        map.serialize_entry("seconds", &self.seconds)?;
        map.serialize_entry("samples_per_second", &self.samples_per_second)?;
        map.end()
    }
}

/// The numbers of a line by their names.
struct Numbers;

/// A value of a line: what is no number, such as the name of an event, says nothing here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(f64),
    Other(serde::de::IgnoredAny),
}

impl<'de> Visitor<'de> for Numbers {
    type Value = BTreeMap<String, f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an epoch's numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut numbers = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if let Value::Number(value) = value {
                numbers.insert(key, value);
            }
        }
        Ok(numbers)
    }
}

impl<'de> Deserialize<'de> for EpochRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = deserializer.deserialize_map(Numbers)?;
        let needed = |name: &str| {
            numbers.get(name).copied().ok_or_else(|| D::Error::custom(format!("missing field `{name}`")))
        };
        let score = |part: &str| Score::read(&numbers, part);
        let part =
            |part: &str| score(part).ok_or_else(|| D::Error::custom(format!("missing field `{part}_loss`")));
        let epoch = needed("epoch")?;
        if !(epoch >= 0.0 && epoch.fract() == 0.0 && epoch < u32::MAX.into()) {
            return Err(D::Error::custom(format!("{epoch} is not an epoch number")));
        }
        Ok(Self {
            epoch: epoch as usize,
            train: part("train")?,
            test: part("test")?,
            validation: score("validation"),
            seconds: needed("seconds")?,
            samples_per_second: needed("samples_per_second")?,
        })
    }
}
