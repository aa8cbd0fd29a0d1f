//! The members of an ensemble: their own scores, how these differ, and what they are worth together.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::table::{self, Column};
use crate::step::metrics::{Measure, Score};
use crate::step::spread::Spread;

/// A member in a table.
pub(super) struct Row {
    pub member: usize,
    pub score: Option<Score>,
    /// What else there is to say, a cell for each column.
    pub about: Vec<String>,
}

/// The lines of a table. Of the scores it has those that are short to tell: of yes and no there are too many.
pub(super) fn lines(about: Vec<Column>, members: Vec<Row>, together: Option<Score>) -> Vec<String> {
    let scores: Vec<Score> = members.iter().filter_map(|row| row.score).collect();
    let spread = Spread::of(&scores);
    let known = spread.iter().flat_map(|spread| spread.mean.all()).map(|(measure, _)| measure);
    let measures: Vec<Measure> = known.filter(|measure| !measure.is_binary()).collect();
    let mut columns = vec![Column::text("member", 0), Column::number("loss", 0)];
    columns.extend(measures.iter().map(|measure| Column::number(measure.title(), 0)));
    let blank = vec![String::new(); about.len()];
    columns.extend(about);
    let row = |name: String, score: Option<Score>, about: Vec<String>| {
        let dash = || "-".to_owned();
        let value = |&measure: &Measure| score.and_then(|score| Some(measure.shown(score.get(measure)?)));
        let mut row = vec![name, score.map_or_else(dash, |score| format!("{:.4}", score.loss))];
        row.extend(measures.iter().map(|measure| value(measure).unwrap_or_else(dash)));
        row.extend(about);
        row
    };
    let mut rows: Vec<Vec<String>> =
        members.into_iter().map(|own| row(own.member.to_string(), own.score, own.about)).collect();
    let below = [
        ("mean", spread.map(|spread| spread.mean)),
        ("deviation", spread.and_then(|spread| spread.deviation)),
        ("lowest", spread.map(|spread| spread.lowest)),
        ("highest", spread.map(|spread| spread.highest)),
        ("ensemble", together),
    ];
    for (name, score) in below.into_iter().filter(|(_, score)| score.is_some()) {
        rows.push(row(name.to_owned(), score, blank.clone()));
    }
    table::lines(&columns, &rows, table::terminal_width())
}

/// A score by the names of its numbers: `loss`, `accuracy` and so on.
struct Plain(Score);

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("loss", &self.0.loss)?;
        for (measure, value) in self.0.all() {
            map.serialize_entry(measure.key(), &value)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Member {
    member: usize,
    #[serde(flatten)]
    score: Plain,
}

/// The members as JSON.
#[derive(Serialize)]
pub(super) struct Members {
    members: Vec<Member>,
    mean: Option<Plain>,
    deviation: Option<Plain>,
    lowest: Option<Plain>,
    highest: Option<Plain>,
}

impl Members {
    /// Of members and their scores.
    pub fn of(members: &[(usize, Score)]) -> Self {
        let scores: Vec<Score> = members.iter().map(|(_, score)| *score).collect();
        let spread = Spread::of(&scores);
        Self {
            members: members.iter().map(|&(member, score)| Member { member, score: Plain(score) }).collect(),
            mean: spread.map(|spread| Plain(spread.mean)),
            deviation: spread.and_then(|spread| spread.deviation).map(Plain),
            lowest: spread.map(|spread| Plain(spread.lowest)),
            highest: spread.map(|spread| Plain(spread.highest)),
        }
    }
}
