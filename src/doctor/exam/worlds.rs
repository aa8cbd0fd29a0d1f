//! Conventions are not bugs: the examination is run under each of them, and the one with the fewest mismatches
//! counts.

use super::examination::{Exam, World};
use super::judge::Tolerance;
use super::report::Status;
use crate::doctor::file::case::Case;
use crate::doctor::file::dump::Dump;
use crate::doctor::file::layout::Layout;
use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::bend::Bend;
use crate::doctor::formulas::{preactivation, probabilities};
use crate::network::Activation;

/// The most worlds that are searched for bugs in tensors that the file does not have; and of a large network.
const SEARCHED: usize = 16;
const SEARCHED_LARGE: usize = 4;

/// A network with more weights than this is large.
const LARGE: usize = 20_000;

/// The most designs tried where the file leaves it open which is meant.
const DESIGNS: usize = 24;

/// From this cost on some mismatch has no name.
const UNNAMED: usize = 10;

/// The best examination so far.
struct Search<'a> {
    dump: &'a Dump,
    tolerance: Tolerance,
    best: Option<Exam<'a>>,
    /// How a file lies, a supposed activation, and a design that it has no more of.
    exhausted: Vec<(Layout, Bend, usize)>,
}

impl<'a> Search<'a> {
    fn cost(&self) -> usize {
        self.best.as_ref().map_or(usize::MAX, Exam::cost)
    }

    /// Examines each world until one costs no more than `enough`; returns their costs, where a world that cannot
    /// win any more is left early.
    fn consider(&mut self, worlds: Vec<(&'a Case, World)>, enough: usize) -> Vec<(usize, &'a Case, World)> {
        let mut costs = Vec::new();
        for (case, world) in worlds {
            if self.cost() <= enough {
                break;
            }
            let Some(exam) = self.examined(case, world) else { continue };
            costs.push((exam.cost(), case, world));
            let agrees = |exam: &Exam| exam.summed_loss() == Some(exam.world.gradient > 1.0);
            let decides = || agrees(&exam) && self.best.as_ref().is_some_and(|best| !agrees(best));
            if exam.cost() < self.cost() || (exam.cost() == self.cost() && decides()) {
                self.best = Some(exam);
            }
        }
        costs
    }

    /// One examination from the first z to the last step; nothing if it contradicts the world it supposes.
    fn examined(&mut self, case: &'a Case, world: World) -> Option<Exam<'a>> {
        let beyond = |&(layout, act, choice): &(Layout, Bend, usize)| {
            layout == case.layout && act == world.act && choice <= world.choice
        };
        if self.exhausted.iter().any(beyond) {
            return None;
        }
        let mut exam = Exam::new(case, &self.dump.numbers, self.tolerance, world);
        // Of two that cost the same, the loss may decide.
        let decides = usize::from(case.get(Slot::Loss).is_some());
        exam.limit = self.cost().saturating_add(decides);
        exam.forward();
        if exam.contradicted {
            // A wrong value that was supposed says nothing of what else is.
            if world.forward.is_none() {
                self.exhausted.push((case.layout, world.act, world.choice));
            }
            return None;
        }
        let fits =
            |exam: &Exam| exam.checked.iter().any(|c| c.tensor == Slot::Loss && c.status == Status::Ok);
        if world.loss_decides && !fits(&exam) {
            return None;
        }
        // Without a loss that says so, the mean is meant where classes are told apart.
        if world.objective > 1.0 && exam.design.is_usual() && case.get(Slot::Loss).is_none() {
            return None;
        }
        exam.training_p();
        exam.infer_learning_rate();
        exam.backward();
        exam.update();
        if !exam.lost() {
            exam.health();
        }
        Some(exam)
    }
}

/// The examination that counts: the first with the fewest mismatches, those without a name counting most.
pub fn best<'a>(dump: &'a Dump, cases: &'a [Case], tolerance: Tolerance) -> Option<Exam<'a>> {
    let mut search = Search { dump, tolerance, best: None, exhausted: Vec::new() };
    let weights: usize =
        cases.first().map_or(0, |case| case.sizes.windows(2).map(|pair| pair[0] * pair[1]).sum());
    let searched = if weights > LARGE { SEARCHED_LARGE } else { SEARCHED };
    let mut costs = search.consider(conventions(dump, cases), 0);
    if search.best.as_ref().is_some_and(|exam| exam.findings.iter().any(|finding| finding.tensor == Slot::P))
    {
        let fresh = costs.iter().map(|&(_, case, world)| (case, World { fresh_p: true, ..world })).collect();
        let more = search.consider(fresh, 0);
        costs.extend(more);
    }
    if search.cost() > 1 && !complete(dump) {
        costs.sort_by_key(|&(cost, _, _)| cost);
        costs.truncate(searched);
        let deeper = costs.iter().map(|&(_, case, world)| (case, World { search: true, ..world })).collect();
        costs = search.consider(deeper, 1);
    }
    if search.cost() >= UNNAMED && !complete(dump) {
        costs.sort_by_key(|&(cost, _, _)| cost);
        costs.truncate(searched / 4);
        let worlds = costs.iter().flat_map(|&(_, case, world)| unseen(dump, case, world)).collect();
        search.consider(worlds, 1);
    }
    search.best
}

/// Whether every gradient a bug could hide in is in the file.
fn complete(dump: &Dump) -> bool {
    let has = |slot: &Slot| dump.slots.contains_key(slot);
    (1..dump.depth).all(|l| has(&Slot::Dz(l)) && has(&Slot::Da(l)))
        && has(&Slot::Dz(dump.depth))
        && has(&Slot::P)
}

/// Every reading of the file and every convention, the likeliest first.
fn conventions<'a>(dump: &Dump, cases: &'a [Case]) -> Vec<(&'a Case, World)> {
    let acts = match dump.act {
        Some(act) => Bend::forms(act),
        None if dump.depth == 1 => vec![Activation::Relu.into()],
        // The likeliest come first, and the search ends where one fits.
        None if shown(dump) => vec![Activation::Relu.into()],
        None => Bend::all(),
    };
    let mut worlds = Vec::new();
    for (choice, case) in (0..DESIGNS).flat_map(|choice| cases.iter().map(move |case| (choice, case))) {
        for &act in &acts {
            for (decay, penalised, loss_decides) in penalties(dump, case) {
                for (sign, gradient, objective) in scales(dump, case) {
                    let (forward, fresh_p, search) = (None, false, false);
                    let world = World {
                        act,
                        choice,
                        act_named: dump.act.is_some(),
                        sign,
                        gradient,
                        objective,
                        decay,
                        penalised,
                        loss_decides,
                        forward,
                        fresh_p,
                        search,
                    };
                    worlds.push((case, world));
                }
            }
        }
    }
    worlds
}

/// Whether the file shows the activation of every hidden layer.
fn shown(dump: &Dump) -> bool {
    (1..dump.depth).all(|l| [Slot::A(l), Slot::Z(l + 1)].iter().any(|slot| dump.slots.contains_key(slot)))
}

/// What L2 adds to the gradient, whether the loss has it too, and whether only the loss can make that right.
fn penalties(dump: &Dump, case: &Case) -> Vec<(f64, bool, bool)> {
    let Some(l2) = dump.numbers.get("l2").copied().filter(|&l2| l2 > 0.0) else {
        return vec![(0.0, false, false)];
    };
    let over_n = l2 / case.count();
    if dump.slots.contains_key(&Slot::Loss) {
        let usual = [(l2, true, false), (l2, false, false), (over_n, true, false), (over_n, false, false)];
        // A sum over the batch divides λ/N by N once more.
        let decided = [2.0 * l2, 2.0 * over_n, over_n / case.count()].map(|decay| (decay, true, true));
        return usual.into_iter().chain(decided).collect();
    }
    vec![(l2, false, false), (over_n, false, false)]
}

/// Sign and scale of the gradients, and scale of the loss.
fn scales(dump: &Dump, case: &Case) -> Vec<(f64, f64, f64)> {
    let has = |wanted: fn(&Slot) -> bool| dump.slots.keys().any(wanted);
    let (gradients, steps) =
        (has(|slot| matches!(slot, Slot::Grad(_))), has(|slot| matches!(slot, Slot::New(_))));
    // What an optimiser remembers points where its gradients do.
    let directed =
        gradients || has(|slot| matches!(slot, Slot::V(_) | Slot::VPrev(_) | Slot::M(_) | Slot::MPrev(_)));
    let n = case.count();
    let mut all = Vec::new();
    for objective in [1.0, n] {
        for sign in [1.0, -1.0] {
            for gradient in [1.0, n] {
                let idle = (!directed || case.alone) && sign < 0.0 || !gradients && gradient > 1.0;
                let summed = objective > 1.0;
                // A summed loss with the gradient of its mean does not agree with itself.
                let disagree = summed && gradients && !steps && gradient == 1.0;
                if !idle && !disagree && !(case.n == 1 && (summed || gradient > 1.0)) {
                    all.push((sign, gradient, objective));
                }
            }
        }
    }
    match case.n {
        1 if case.alone => vec![(1.0, 1.0, 1.0)],
        1 => vec![(1.0, 1.0, 1.0), (-1.0, 1.0, 1.0)],
        _ => all,
    }
}

/// Worlds in which a forward tensor that is not in the file is wrong.
fn unseen<'a>(dump: &Dump, case: &'a Case, world: World) -> Vec<(&'a Case, World)> {
    let mut all = Vec::new();
    // Where no activation is said, none at all is as good as another.
    let named = dump.act.is_some();
    for l in (1..dump.depth).filter(|&l| named && !dump.slots.contains_key(&Slot::A(l))) {
        let h = &preactivation::activation::TABLE[0];
        all.push((case, World { forward: Some((Slot::A(l), h)), search: true, ..world }));
    }
    if !dump.slots.contains_key(&Slot::P) {
        for h in probabilities::TABLE {
            all.push((case, World { forward: Some((Slot::P, h)), search: true, ..world }));
        }
    }
    all
}
