//! How the dashboard is drawn, on terminals of any size.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, LineGauge, Paragraph};

use super::Board;
use crate::cli::output::{duration, thousands};
use crate::step::metrics::{EpochRecord, Measure, Score};

/// Smaller terminals get the lines that matter most and no curves.
const ROOM_FOR_CURVES: (u16, u16) = (40, 14);
/// From so many columns on, the two charts stand beside each other.
const BESIDE: u16 = 70;
/// Lines below the charts for what the user should know.
const NOTES: u16 = 3;

/// A curve: its name, how it is told from others without colours, and its colour.
struct Series {
    name: &'static str,
    marker: Marker,
    sign: &'static str,
    color: Color,
    points: Vec<(f64, f64)>,
}

/// The measure of a score that tells most.
fn value(score: Score) -> Option<f64> {
    score.headline().map(|(_, value)| value)
}

/// A loss beside its axis, in a few letters whatever it is.
fn scale(loss: f64) -> String {
    match loss {
        0.0 => "0".into(),
        ..0.1 => format!("{loss:.4}"),
        ..1000.0 => format!("{loss:.2}"),
        _ => format!("{loss:.1e}"),
    }
}

impl Board {
    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.width < ROOM_FOR_CURVES.0 || area.height < ROOM_FOR_CURVES.1 {
            return self.draw_small(frame, area);
        }
        let notes = if area.height >= ROOM_FOR_CURVES.1 + NOTES { NOTES } else { 0 };
        let rows = [2, 0, 1, 1, 1, notes, 1].map(|rows| match rows {
            0 => Constraint::Fill(1),
            rows => Constraint::Length(rows),
        });
        let rows = match notes {
            0 => [&rows[..5], &rows[6..]].concat(),
            _ => rows.to_vec(),
        };
        let areas = Layout::vertical(rows).split(area);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let head = vec![
            Line::styled(self.title.as_str(), bold),
            Line::styled(format!("{}  {}", self.run, self.options), self.dim()),
        ];
        frame.render_widget(Paragraph::new(head), areas[0]);
        self.draw_curves(frame, areas[1]);
        self.draw_progress(frame, areas[2]);
        frame.render_widget(Line::raw(self.pace()), areas[3]);
        frame.render_widget(Line::raw(self.scores()), areas[4]);
        if notes > 0 {
            frame.render_widget(Paragraph::new(self.newest_notes(notes)), areas[5]);
        }
        if let Some(last) = areas.last() {
            frame.render_widget(Line::styled(self.keys(), self.dim()), *last);
        }
    }

    fn draw_small(&self, frame: &mut Frame<'_>, area: Rect) {
        let mut lines = vec![self.position(), self.pace(), self.scores(), self.keys().to_owned()];
        lines.extend(self.notes.last().cloned());
        lines.extend([self.title.clone(), self.run.clone()]);
        let lines: Vec<Line<'_>> = lines.into_iter().map(Line::raw).collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_progress(&self, frame: &mut Frame<'_>, area: Rect) {
        let part = if self.of == 0 { 0.0 } else { (self.samples as f64 / self.of as f64).clamp(0.0, 1.0) };
        let bar = LineGauge::default().ratio(part).label(self.position());
        let bar = bar.filled_symbol("█").unfilled_symbol("░");
        let (filled, empty) = (self.colored(Color::Cyan), self.dim());
        frame.render_widget(bar.filled_style(filled).unfilled_style(empty), area);
    }

    fn draw_curves(&self, frame: &mut Frame<'_>, area: Rect) {
        let layout = match area.width >= BESIDE {
            true => Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]),
            false if area.height >= 16 => Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]),
            // One of them, where there is no room for two.
            false => Layout::vertical([Constraint::Fill(1), Constraint::Length(0)]),
        };
        let areas = layout.split(area);
        let loss = self.series([
            |record| Some(record.train.loss),
            |record| Some(record.test.loss),
            |record| record.validation.map(|score| score.loss),
        ]);
        let values = loss.iter().flat_map(|series| &series.points).map(|point| point.1);
        let top = values.fold(0.0, f64::max);
        self.draw_chart(frame, areas[0], "loss", &loss, [0.0, if top > 0.0 { top } else { 1.0 }], scale);
        let measure =
            self.epochs.last().and_then(|record| record.test.headline()).map(|(measure, _)| measure);
        let measure = measure.unwrap_or(Measure::Accuracy);
        let accuracy = self.series([
            |record| value(record.train),
            |record| value(record.test),
            |record| value(record.validation?),
        ]);
        let values = accuracy.iter().flat_map(|series| &series.points).map(|point| point.1);
        let bottom = (values.fold(1.0, f64::min) * 10.0 - 1e-9).floor().clamp(0.0, 9.0) / 10.0;
        let label = match measure.is_share() {
            true => |part: f64| format!("{:.0} %", 100.0 * part),
            false => |value: f64| format!("{value:.2}"),
        };
        self.draw_chart(frame, areas[1], measure.title(), &accuracy, [bottom, 1.0], label);
    }

    /// The curves of training, test and validation.
    fn series(&self, of: [fn(&EpochRecord) -> Option<f64>; 3]) -> Vec<Series> {
        // Dots draw the finest lines; without colours letters tell them apart.
        let letter = |letter| if self.colors { Marker::Braille } else { Marker::Custom(letter) };
        let looks = [
            ("train", Marker::Braille, "⠒", Color::Cyan),
            ("test", letter('t'), if self.colors { "⠒" } else { "t" }, Color::Yellow),
            ("validation", letter('v'), if self.colors { "⠒" } else { "v" }, Color::Magenta),
        ];
        let series = |((name, marker, sign, color), of): ((_, _, _, _), fn(&EpochRecord) -> Option<f64>)| {
            let point = |record: &EpochRecord| Some((record.epoch as f64, of(record)?));
            Series { name, marker, sign, color, points: self.epochs.iter().filter_map(point).collect() }
        };
        let all = looks.into_iter().zip(of).map(series);
        all.filter(|series| series.name != "validation" || !series.points.is_empty()).collect()
    }

    fn draw_chart(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        name: &str,
        all: &[Series],
        bounds: [f64; 2],
        label: fn(f64) -> String,
    ) {
        let mut title = vec![Span::raw(format!(" {name} "))];
        for Series { name, sign, color, .. } in all {
            title.push(Span::styled(format!(" {sign} {name} "), self.colored(*color)));
        }
        let dataset = |series: &'_ Series| {
            let style = self.colored(series.color);
            Dataset::default().marker(series.marker).graph_type(GraphType::Line).style(style)
        };
        let datasets = all.iter().map(|series| dataset(series).data(&series.points)).collect();
        let last = self.total_epochs.max(2);
        let x = Axis::default().bounds([1.0, last as f64]).labels(["1".to_owned(), last.to_string()]);
        let middle = (bounds[0] + bounds[1]) / 2.0;
        let y = Axis::default().bounds(bounds).labels([label(bounds[0]), label(middle), label(bounds[1])]);
        let (x, y) = (x.style(self.dim()), y.style(self.dim()));
        let block = Block::bordered().border_style(self.dim()).title(Line::from(title));
        frame.render_widget(Chart::new(datasets).block(block).x_axis(x).y_axis(y), area);
    }

    /// Where the run is.
    fn position(&self) -> String {
        match self.epoch {
            0 => format!("epoch {}/{}", self.epochs.len(), self.total_epochs),
            epoch => {
                let (samples, of) = (thousands(self.samples), thousands(self.of));
                format!("epoch {epoch}/{}  {samples}/{of}", self.total_epochs)
            }
        }
    }

    fn pace(&self) -> String {
        let speed = match self.samples_per_second {
            Some(speed) => format!("{} samples/s", thousands(speed as usize)),
            None => "starting".to_owned(),
        };
        let left = self.seconds_left.map_or(String::new(), |left| format!(", {} left", duration(left)));
        speed + &left
    }

    fn scores(&self) -> String {
        let Some(record) = self.epochs.last() else { return String::new() };
        let score = |name: &str, score: &Score| match score.headline() {
            Some((measure, value)) => format!("{name} {:.4} {}", score.loss, measure.shown(value)),
            None => format!("{name} {:.4}", score.loss),
        };
        let mut scores = vec![score("test", &record.test), score("train", &record.train)];
        scores.extend(record.validation.as_ref().map(|validation| score("validation", validation)));
        format!("after epoch {}: {}", record.epoch, scores.join("   "))
    }

    fn newest_notes(&self, most: u16) -> Vec<Line<'_>> {
        let lines: Vec<&str> = self.notes.iter().flat_map(|note| note.lines()).collect();
        let style = self.colored(Color::Yellow);
        let newest = lines[lines.len().saturating_sub(most.into())..].iter();
        newest.map(|line| Line::styled(*line, style)).collect()
    }

    fn keys(&self) -> &'static str {
        match self.ending {
            true => "saving and stopping…",
            false => "q saves and stops   s saves and continues",
        }
    }

    fn colored(&self, color: Color) -> Style {
        if self.colors { Style::new().fg(color) } else { Style::new() }
    }

    fn dim(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}
