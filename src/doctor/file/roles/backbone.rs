//! The network and the batch among the arrays of a file: X, y, and weights and biases that chain from one to the other.
//!
//! Chains are grown layer by layer, the best few of each length are kept, and the one counts for which names and numbers
//! speak most. A part of it for which neither speaks is not accepted.

use super::arrays::{Named, agree, rounding};
use super::relations::{Function, Relation, activated, relations};
use super::words::{Kind, Spot, State, Time};
use crate::doctor::file::layout::Layout;

/// Chains of one length that are grown further.
const KEPT: usize = 100;

/// Arrays that are tried as X.
const BATCHES: usize = 12;

/// The most layers.
const DEEPEST: usize = 64;

/// What numbers that agree to rounding count, and words.
const NUMBERS: i32 = 10;
const WORDS: i32 = 4;

/// What an array of the batch's samples counts for the batch, and how many count.
const ROWS: i32 = 2;
const MANY: usize = 4;

/// The most that speaks for targets, and for the biases of a layer.
const TARGET: i32 = 2 * WORDS + 3;
const BIAS: i32 = NUMBERS + WORDS + 5;

/// The network and the batch; arrays by their positions.
#[derive(Debug, Clone)]
pub struct Backbone {
    /// How samples and weights lie.
    pub layout: Layout,
    /// Samples.
    pub n: usize,
    /// Widths: input, hidden layers, outputs.
    pub sizes: Vec<usize>,
    /// The batch.
    pub x: usize,
    /// The targets.
    pub y: usize,
    /// The weights of every layer.
    pub w: Vec<usize>,
    /// Their biases, where the file has them.
    pub b: Vec<Option<usize>>,
    /// What the numbers say of arrays that lie so.
    pub relations: Vec<Relation>,
    /// `(z, a)`: arrays that are an activation, or the softmax, of others.
    pub activated: Vec<(usize, usize)>,
}

/// A chain that may grow.
#[derive(Clone)]
struct Chain {
    score: i32,
    x: usize,
    w: Vec<usize>,
    width: usize,
}

impl Chain {
    /// The most that targets and biases can make of its score.
    fn most(&self) -> i32 {
        self.score + TARGET + BIAS * self.w.len() as i32 + ROWS * MANY as i32
    }
}

/// A chain with one more layer, before it is known to be kept.
struct Step<'c> {
    score: i32,
    chain: &'c Chain,
    w: usize,
    width: usize,
}

impl Step<'_> {
    fn taken(&self) -> Chain {
        let w = [self.chain.w.as_slice(), &[self.w]].concat();
        Chain { score: self.score, x: self.chain.x, w, width: self.width }
    }
}

/// One way to read the file, while it is looked for.
struct Search<'t> {
    arrays: &'t [Named<'t>],
    layout: Layout,
    relations: Vec<Relation>,
    activated: Vec<(usize, usize)>,
    /// Whether the file has an array's difference from what an activation made.
    subtracted: Vec<bool>,
    /// The inputs that each array was multiplied with.
    inputs: Vec<Vec<usize>>,
    /// The number from which biases are counted.
    first_bias: Option<usize>,
}

/// The network and the batch, or the nearest that was found: what is missing for it.
///
/// # Errors
/// The parts that are missing, by our names; the fewest of all readings.
pub fn find(arrays: &[Named]) -> Result<Backbone, Vec<String>> {
    let mut best: Option<(i32, Backbone)> = None;
    let mut nearest: Option<Vec<String>> = None;
    for layout in Layout::ALL {
        let search = Search::new(arrays, layout);
        let mut wins = false;
        for chain in search.chains() {
            if best.as_ref().is_some_and(|(most, _)| chain.most() <= *most) {
                continue;
            }
            match search.complete(&chain) {
                Ok((score, backbone)) if best.as_ref().is_none_or(|(most, _)| score > *most) => {
                    best = Some((score, backbone));
                    wins = true;
                }
                Ok(_) => {}
                Err(missing) if nearest.as_ref().is_none_or(|least| missing.len() < least.len()) => {
                    nearest = Some(missing);
                }
                Err(_) => {}
            }
        }
        if let Some((_, backbone)) = best.as_mut().filter(|_| wins) {
            (backbone.relations, backbone.activated) = (search.relations, search.activated);
        }
    }
    match best {
        Some((_, backbone)) => Ok(backbone),
        None => Err(nearest.unwrap_or_else(|| ["X", "W1", "y"].map(str::to_owned).into())),
    }
}

/// What the time of a parameter says for it as the one of the forward pass: one from before the step surely is.
fn earlier(time: Time) -> i32 {
    match time {
        Time::Before => 2,
        Time::Now => 1,
        Time::After => 0,
    }
}

/// Whether the file has an array `±(p - y)` for this y, and p is what an activation made.
fn is_subtracted(arrays: &[Named], activated: &[(usize, usize)], y: usize) -> bool {
    let (array, words) = (&arrays[y].array, &arrays[y].words);
    let may_be = matches!(words.kind, None | Some(Kind::Act | Kind::Input | Kind::Other));
    if !may_be || activated.iter().any(|&(z, a)| z == y || a == y) {
        return false;
    }
    let same = |other: usize| other != y && arrays[other].array.shape == array.shape;
    activated.iter().map(|&(_, p)| p).filter(|&p| same(p)).any(|p| {
        let away: Vec<f64> = arrays[p].array.data.iter().zip(&array.data).map(|(p, y)| p - y).collect();
        let turned: Vec<f64> = away.iter().map(|away| -away).collect();
        (0..arrays.len()).filter(|&error| error != p && same(error)).any(|error| {
            let tolerance = rounding(arrays[error].is_single());
            let given = &arrays[error].array.data;
            given.len() > 2 && (agree(given, &away, tolerance) || agree(given, &turned, tolerance))
        })
    })
}

impl<'t> Search<'t> {
    fn new(arrays: &'t [Named<'t>], layout: Layout) -> Self {
        let relations = relations(arrays, layout);
        let mut inputs = vec![Vec::new(); arrays.len()];
        relations.iter().for_each(|relation| inputs[relation.w].push(relation.a));
        let biases = arrays.iter().filter(|array| array.words.is_parameter(Kind::Bias));
        let first_bias = biases.filter_map(|array| array.words.number()).min();
        let activated = activated(arrays, layout);
        let subtracted = (0..arrays.len()).map(|y| is_subtracted(arrays, &activated, y)).collect();
        Self { arrays, layout, relations, activated, subtracted, inputs, first_bias }
    }

    /// All chains that are worth a look, of every length.
    fn chains(&self) -> Vec<Chain> {
        let mut batches: Vec<Chain> = (0..self.arrays.len()).filter_map(|x| self.batch(x)).collect();
        batches.sort_by_key(|chain| -chain.score);
        batches.truncate(BATCHES);
        let (mut all, mut growing) = (Vec::new(), batches);
        for _ in 0..DEEPEST {
            let mut steps: Vec<_> = growing.iter().flat_map(|chain| self.steps(chain)).collect();
            steps.sort_by_key(|step| -step.score);
            steps.truncate(KEPT);
            growing = steps.iter().map(Step::taken).collect();
            if growing.is_empty() {
                break;
            }
            all.extend(growing.iter().cloned());
        }
        all
    }

    /// A chain without layers that begins with an array as X.
    fn batch(&self, x: usize) -> Option<Chain> {
        let [_, width] = self.arrays[x].samples(self.layout)?;
        let words = &self.arrays[x].words;
        let named = match words.kind {
            Some(Kind::Input) => WORDS + i32::from(words.spot.is_none()),
            Some(Kind::Act) if words.number().is_some_and(|number| number <= 1) => 1,
            None => 0,
            // Products of these are gradients, and no layer's.
            Some(Kind::Delta | Kind::Error | Kind::ActGrad | Kind::Weight | Kind::Bias) => -2 * NUMBERS,
            Some(_) => -WORDS,
        };
        let is_input = self.relations.iter().any(|relation| relation.a == x);
        let is_result = self.relations.iter().any(|relation| relation.out == x);
        let numbers = NUMBERS * (i32::from(is_input) - i32::from(is_result));
        Some(Chain { score: named + numbers, x, w: Vec::new(), width })
    }

    /// The ways in which a chain may get one more layer.
    fn steps<'c>(&self, chain: &'c Chain) -> impl Iterator<Item = Step<'c>> {
        (0..self.arrays.len()).filter_map(move |w| {
            let [inside, width] = self.arrays[w].weights(self.layout)?;
            if inside != chain.width || w == chain.x || chain.w.contains(&w) {
                return None;
            }
            Some(Step { score: chain.score + self.layer(chain, w), chain, w, width })
        })
    }

    /// What speaks for weights as the next layer of a chain.
    fn layer(&self, chain: &Chain, w: usize) -> i32 {
        let words = &self.arrays[w].words;
        let mut score = if self.computes(chain, w) { NUMBERS } else { 0 };
        score += match words.kind {
            Some(Kind::Weight) if words.is_parameter(Kind::Weight) => WORDS + earlier(words.time),
            // Gradients and updated weights are no layer, even where they equal one.
            Some(Kind::Weight) => -NUMBERS - WORDS,
            None => 0,
            Some(Kind::Mask | Kind::Loss | Kind::Accuracy | Kind::Other) => -WORDS,
            // What samples make is no layer: a product of it is a gradient.
            Some(_) => -NUMBERS - WORDS,
        };
        let twin = |&other: &usize| self.arrays[other].array.data == self.arrays[w].array.data;
        if chain.w.iter().any(twin) {
            score -= NUMBERS + WORDS;
        }
        let before = chain.w.last().map(|&before| &self.arrays[before].words);
        if let Some(before) = before {
            score += match (before.number(), words.number()) {
                (Some(before), Some(number)) if number == before + 1 => 2,
                // The same layer before and after the step.
                (Some(before), Some(number)) if number == before => -2 * NUMBERS,
                (Some(before), Some(number)) if number <= before => -WORDS,
                _ => 0,
            };
            score += match (before.spot, words.spot) {
                (Some(Spot::Output), _) => -WORDS,
                (Some(Spot::Hidden(before)), Some(Spot::Hidden(hidden))) if hidden <= before => -WORDS,
                _ => 1,
            };
        }
        score
    }

    /// Whether the numbers show that a layer with these weights was computed: the first from X.
    fn computes(&self, chain: &Chain, w: usize) -> bool {
        let first = chain.w.is_empty();
        self.inputs[w].iter().any(|&a| first == (a == chain.x))
    }

    /// A chain with targets and biases, and what speaks for it all; the relations are left to the best.
    fn complete(&self, chain: &Chain) -> Result<(i32, Backbone), Vec<String>> {
        let mut missing = Vec::new();
        let parameter = |w: usize| self.arrays[w].words.is_parameter(Kind::Weight);
        let grown = |l: usize| Chain { w: chain.w[..l].to_vec(), ..chain.clone() };
        let first = self.computes(&grown(0), chain.w[0]);
        if !first && !self.is_input(chain.x) {
            missing.push("X".to_owned());
        }
        for (l, &w) in chain.w.iter().enumerate() {
            if !parameter(w) && !self.computes(&grown(l), w) {
                missing.push(format!("W{}", l + 1));
            }
        }
        let [n, input] = self.arrays[chain.x].samples(self.layout).unwrap_or_default();
        let widths = chain.w.iter().filter_map(|&w| self.arrays[w].weights(self.layout));
        let sizes: Vec<usize> = [input].into_iter().chain(widths.map(|[_, out]| out)).collect();
        let mut taken = vec![chain.x];
        taken.extend(&chain.w);
        let target = (0..self.arrays.len()).filter(|y| !taken.contains(y));
        let target = target
            .filter_map(|y| Some((self.target(y, n, chain.width)?, y)))
            .max_by_key(|(score, y)| (*score, -(*y as i64)));
        let Some((score, y)) = target else {
            missing.push("y".to_owned());
            return Err(missing);
        };
        if !missing.is_empty() {
            return Err(missing);
        }
        taken.push(y);
        let mut total = chain.score + score;
        let mut b = Vec::new();
        for (l, &w) in chain.w.iter().enumerate() {
            let found = self.bias(chain, l, w, sizes[l + 1], &taken);
            total += found.map_or(0, |(score, _)| score);
            taken.extend(found.map(|(_, bias)| bias));
            b.push(found.map(|(_, bias)| bias));
        }
        // Weights that no layer needs speak for a longer chain.
        let idle = |w: &usize| {
            let spare = self.arrays[*w].sides().is_some() && parameter(*w) && !taken.contains(w);
            spare && !taken.iter().any(|&other| self.arrays[other].array.data == self.arrays[*w].array.data)
        };
        total -= WORDS * (0..self.arrays.len()).filter(idle).count() as i32;
        total += ROWS * self.of_samples(n, &sizes[1..], &taken).min(MANY) as i32;
        let (layout, x, w) = (self.layout, chain.x, chain.w.clone());
        Ok((total, Backbone { layout, n, sizes, x, y, w, b, relations: Vec::new(), activated: Vec::new() }))
    }

    /// Arrays that the batch may have made: of so many samples, and of a layer's width.
    fn of_samples(&self, n: usize, widths: &[usize], taken: &[usize]) -> usize {
        let made = |array: &usize| {
            let samples = self.arrays[*array].samples(self.layout);
            !taken.contains(array) && samples.is_some_and(|[own, width]| own == n && widths.contains(&width))
        };
        (0..self.arrays.len()).filter(made).count()
    }

    /// Whether an array is the input by its name: layer 0.
    fn is_input(&self, x: usize) -> bool {
        let words = &self.arrays[x].words;
        words.kind == Some(Kind::Input) || (words.kind == Some(Kind::Act) && words.number() == Some(0))
    }

    /// What speaks for an array as the targets; nothing if it cannot be.
    fn target(&self, y: usize, n: usize, width: usize) -> Option<i32> {
        let array = &self.arrays[y];
        let values = &array.array.data;
        let labels = array.is_vector(n)
            && values.iter().all(|v| v.fract() == 0.0 && *v >= 0.0 && *v < width.max(2) as f64);
        let rows = array.samples(self.layout) == Some([n, width]);
        let hot =
            rows && values.iter().all(|v| *v == 0.0 || *v == 1.0) && values.iter().sum::<f64>() == n as f64;
        let number = array.is_vector(n) && width == 1;
        if !(labels || rows || number) {
            return None;
        }
        let named = match array.words.kind {
            Some(Kind::Target) => 2 * WORDS,
            _ if self.subtracted[y] => 2 * WORDS,
            None if hot || labels => 1,
            _ => return None,
        };
        let computed = self.relations.iter().any(|relation| relation.out == y || relation.a == y);
        let sure = i32::from(hot) * 2 + i32::from(labels);
        (!computed || array.words.kind == Some(Kind::Target)).then_some(named + sure)
    }

    /// The biases of a layer, and what speaks for them.
    fn bias(&self, chain: &Chain, l: usize, w: usize, units: usize, taken: &[usize]) -> Option<(i32, usize)> {
        let from_x = |relation: &&Relation| (relation.a == chain.x) == (l == 0);
        let layer = self.relations.iter().filter(|relation| relation.w == w).filter(from_x);
        let exact: Vec<usize> =
            layer.filter(|r| r.function != Function::Softmax).filter_map(|r| r.b).collect();
        let weights = &self.arrays[w].words;
        let one = |b: usize| {
            let array = &self.arrays[b];
            if taken.contains(&b) || !array.is_vector(units) {
                return None;
            }
            let same = |other: &usize| agree(&self.arrays[*other].array.data, &array.array.data, 0.0);
            let numbers = if exact.contains(&b) || exact.iter().any(same) { NUMBERS } else { 0 };
            let words = match array.words.kind {
                Some(Kind::Bias) if array.words.is_parameter(Kind::Bias) => WORDS + earlier(array.words.time),
                Some(Kind::Bias) if array.words.state != State::Value => return None,
                _ if numbers > 0 => 0,
                _ => return None,
            };
            let place = match (weights.spot, array.words.spot) {
                (Some(weights), Some(bias)) if weights == bias => 3,
                (Some(Spot::Number(_)), Some(Spot::Number(bias))) => {
                    // Weights and biases may be counted from different numbers.
                    if self.first_bias.is_some_and(|first| bias == first + l) { 3 } else { -3 }
                }
                (_, Some(Spot::Output)) if l + 1 == chain.w.len() => 3,
                (_, Some(Spot::Output)) => -3,
                (_, Some(Spot::Hidden(hidden))) if hidden != l + 1 => -3,
                (_, Some(Spot::Hidden(_))) => 2,
                _ => 0,
            };
            let score = numbers + words + place;
            (score > 0).then_some((score, b))
        };
        (0..self.arrays.len()).filter_map(one).max_by_key(|&(score, b)| (score, -(b as i64)))
    }
}
