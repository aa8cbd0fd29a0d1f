//! A network that descends the squared error it prints is another design, not a bug: two findings that together say
//! only that become a note.

use super::examination::Exam;
use super::report::Status;

/// A factor from the numbers of samples and classes.
type Factor = fn(f64, f64) -> f64;

/// A squared error, and the gradient by the logits that belongs to it: how their formulas begin, and the loss's factor
/// before the sum of squares, for `classes` classes and `n` samples.
const PAIRS: [(&str, &str, Factor); 3] = [
    ("loss = 1/N Σ", "2·J·(p - y)", |n, _| 1.0 / n),
    ("loss = 1/2N Σ", "J·(p - y) with", |n, _| 0.5 / n),
    ("loss = 1/NC Σ", "2/C·J·(p - y)", |n, classes| 1.0 / (n * classes)),
];

impl Exam<'_> {
    /// The factor before `Σ (p-y)²` if the printed loss is a squared error.
    pub fn squared_error(&self) -> Option<f64> {
        let loss = self.findings.iter().find(|f| f.bug.as_deref() == Some("loss-squared-error"))?;
        let pair = PAIRS.iter().find(|(printed, _, _)| loss.formula.starts_with(printed))?;
        Some(pair.2(self.case.count(), self.case.classes() as f64))
    }

    /// Takes back the findings of a squared error whose own gradient is used.
    pub fn accept_squared_error(&mut self) {
        let position = |id: &str| self.findings.iter().position(|f| f.bug.as_deref() == Some(id));
        let (Some(loss), Some(delta)) = (position("loss-squared-error"), position("softmax-jacobian")) else {
            return;
        };
        let (printed, used) = (&self.findings[loss].formula, &self.findings[delta].formula);
        let used = used.split_once(" = ").map_or("", |(_, formula)| formula);
        if !PAIRS.iter().any(|(loss, dz, _)| printed.starts_with(loss) && used.starts_with(dz)) {
            return;
        }
        for at in [loss.max(delta), loss.min(delta)] {
            let tensor = self.findings.remove(at).tensor;
            for checked in self.checked.iter_mut().filter(|checked| checked.tensor == tensor) {
                checked.status = Status::Ok;
            }
        }
        self.note(
            "loss and gradients are those of the squared error through softmax: another design, consistent in itself; \
             cross-entropy, with dz = (p - y)/N, learns faster where p is confidently wrong",
        );
    }
}
