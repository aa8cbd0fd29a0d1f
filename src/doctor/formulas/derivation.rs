//! Why each formula is as it is, in five lines: what a bug's page says beside the bug itself.

use super::catalogue::Bug;
use super::hypothesis::Hypothesis;
use super::{accuracy, delta, gradient, hidden, loss, preactivation, probabilities};

/// The right formula of one kind of tensor, and where it comes from.
#[derive(Debug)]
pub struct Derivation {
    /// The formula.
    pub right: &'static str,
    /// How it follows, line by line.
    pub lines: [&'static str; 5],
    /// Where to read more.
    pub source: &'static str,
    /// Bugs that belong here, whatever the tables say.
    others: &'static [Bug],
    /// The tables of formulas of this kind.
    tables: &'static [&'static [Hypothesis]],
}

impl Derivation {
    /// The derivation that a bug's page shows.
    pub fn of(bug: Bug) -> Option<&'static Self> {
        let listed = ALL.iter().find(|derivation| derivation.others.contains(&bug));
        let has = |derivation: &&Self| derivation.tables.iter().copied().flatten().any(|row| row.bug == bug);
        listed.or_else(|| ALL.iter().find(has))
    }
}

const PRML: &str = "C. M. Bishop, Pattern Recognition and Machine Learning, 2006, sections 4.3.4 and 5.3";
const NATURE: &str = "D. E. Rumelhart, G. E. Hinton, R. J. Williams, Learning representations by back-propagating errors, Nature 323, 1986";
const BOOK: &str = "I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, sections 6.5, 8.3 and 8.5";

/// All derivations, in the order in which tensors are computed.
static ALL: &[Derivation] = &[
    Derivation {
        right: "dz_L = (p - y)·h'(z)/N for the squared error of p = h(z); dz_L = (p - y)/N for sigmoid with binary cross-entropy",
        lines: [
            "Each output has a p of its own: p = h(z), so dz = dL/dp · h'(z), once.",
            "Squared error: L = ½ Σ (p - y)², dL/dp = p - y, so dz = (p - y)·h'(z).",
            "h'(z) is p(1 - p) for a sigmoid, 1 - p² for tanh, 1 for z itself: written with p, not with z.",
            "Binary cross-entropy: dL/dp = (p - y)/(p(1 - p)), and h'(z) = p(1 - p) of the sigmoid cancels.",
            "So dz = p - y there, and a derivative on top of it slows what is confidently wrong.",
        ],
        source: PRML,
        others: &[
            Bug::OutputDerivativeMissing,
            Bug::OutputDerivativeTwice,
            Bug::OutputDerivativeOnPreactivation,
            Bug::OutputDerivativeExtra,
            Bug::OutputDeltaSquared,
        ],
        tables: &[],
    },
    Derivation {
        right: "loss = -1/N Σ_i Σ_j (y log p + (1 - y) log(1 - p))",
        lines: [
            "p is the probability that y is 1, so y has the probability p^y (1 - p)^(1 - y).",
            "The probability of all samples is the product of these.",
            "Its negative logarithm is the sum of -(y log p + (1 - y) log(1 - p)).",
            "Both logarithms are negative, so both terms add to the loss.",
            "With one sign turned, the loss falls as that p gets worse.",
        ],
        source: PRML,
        others: &[Bug::BinaryCrossEntropySign],
        tables: &[],
    },
    Derivation {
        right: "a0 = X; every epoch shuffles X and y with one permutation",
        lines: [
            "The loss compares p of sample i with y of sample i: rows of X and y belong together.",
            "A permutation of both changes no mean over the batch.",
            "A permutation of X alone trains on labels drawn at random.",
            "z1 = X·W1 + b1 grows with X: bytes of 0..255 make |z| hundreds of times too large,",
            "and sigmoid'(z) or softmax'(z) is then 0; so inputs are scaled to about 1.",
        ],
        source: "Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, Efficient BackProp, 1998, section 4",
        others: &[Bug::InputsNotAligned, Bug::InputsUnscaled],
        tables: &[],
    },
    Derivation {
        right: "a_l = mask ⊙ f(z_l) / (1 - q), with dropout of rate q",
        lines: [
            "Each unit is kept with probability 1 - q: mask is 1 or 0.",
            "The mean of mask·a is (1 - q)·a: the next layer would see less than without dropout.",
            "So what is kept is divided by 1 - q, in training; at prediction nothing is done.",
            "Backwards, a·mask/(1 - q) has the derivative mask/(1 - q) by a:",
            "da is multiplied with the same mask and the same factor, once.",
        ],
        source: "N. Srivastava and others, Dropout, Journal of Machine Learning Research 15, 2014",
        others: &[Bug::DropoutScale, Bug::DropoutMaskMissing],
        tables: &[],
    },
    Derivation {
        right: "dz_l = (dz_{l+1}·W_{l+1}ᵀ) ⊙ f'(z_l), with W as it was in the forward pass",
        lines: [
            "a_l acts on the loss only through z_{l+1} = a_l·W_{l+1} + b_{l+1}.",
            "Chain rule: ∂L/∂a_li = Σ_j ∂L/∂z_{l+1,j} · W_{l+1,ij}, which is da_l = dz_{l+1}·W_{l+1}ᵀ.",
            "W here is the one that made z_{l+1}: update it after the whole backward pass.",
            "a_l = f(z_l) element by element, so ∂L/∂z_l = da_l ⊙ f'(z_l), once.",
            "sigmoid'(z) = a·(1 - a), tanh'(z) = 1 - a², ReLU'(z) = 1 where z > 0, else 0.",
        ],
        source: NATURE,
        others: &[Bug::ErrorZero],
        tables: &[hidden::through_weights::TABLE, hidden::TABLE],
    },
    Derivation {
        right: "z_l = a_{l-1}·W_l + b_l and a_l = f(z_l)",
        lines: [
            "Each unit adds up its inputs, each times a weight of its own: Σ_i a_i·W_ij.",
            "b_j moves the point where the unit switches, and is added once.",
            "f makes the unit bent: without it, a1·W2 = X·(W1·W2), and all layers are one.",
            "z is needed again backwards, for f'(z): keep it, and write a into a new array.",
            "For samples as rows: X [N, in], W [in, out], b [out], z [N, out].",
        ],
        source: NATURE,
        others: &[],
        tables: &[preactivation::TABLE, preactivation::activation::TABLE],
    },
    Derivation {
        right: "p_ij = exp(z_ij - m_i) / Σ_k exp(z_ik - m_i) with m_i = max_k z_ik, for each sample i",
        lines: [
            "p shall be positive and sum to 1 for each sample: exponentials, divided by their sum.",
            "The sum runs over the classes of one sample (axis 1 for samples as rows), never over samples.",
            "exp(z - m)/Σ exp(z - m) = exp(z)/Σ exp(z) for any m of the same sample: m cancels.",
            "With m the largest z of the sample, no exponential is above 1, and one of them is 1:",
            "nothing overflows, and the sum is never 0.",
        ],
        source: PRML,
        others: &[],
        tables: &[probabilities::TABLE],
    },
    Derivation {
        right: "dz_L = (p - y)/N for softmax with cross-entropy",
        lines: [
            "L = -1/N Σ_i Σ_k y_ik·log p_ik, so ∂L/∂p_ik = -y_ik/(N·p_ik).",
            "softmax: ∂p_k/∂z_j = p_k·(δ_kj - p_j).",
            "Together: ∂L/∂z_ij = Σ_k -y_ik/(N·p_ik) · p_ik·(δ_kj - p_ij) = (p_ij·Σ_k y_ik - y_ij)/N.",
            "Σ_k y_ik = 1, so it is (p - y)/N: the derivative of softmax is already in it.",
            "Sigmoid with binary cross-entropy gives p - y, too; squared error gives (p - y) ⊙ f'(z).",
        ],
        source: PRML,
        others: &[],
        tables: &[delta::TABLE],
    },
    Derivation {
        right: "L = -1/N Σ_i log p_i,y(i) (+ λ/2 Σ W²)",
        lines: [
            "The network gives the labels of a batch the probability Π_i p_i,y(i).",
            "Its logarithm is a sum, which is to be large; the loss is to be small: hence the minus.",
            "1/N makes the loss of batches of different sizes comparable.",
            "log of a p that was rounded to 0 is infinite: take log(p + 1e-12), or log-softmax of z.",
            "λ/2 Σ W² has the gradient λ·W: the penalty that is printed and the one in dW must agree.",
        ],
        source: PRML,
        others: &[],
        tables: &[loss::TABLE],
    },
    Derivation {
        right: "accuracy = mean over samples of [argmax_k p_ik = y_i]",
        lines: [
            "The network's answer for a sample is the class with the largest p of that sample.",
            "argmax runs over the classes: axis 1 for samples as rows.",
            "One-hot targets have their class at argmax of the same axis.",
            "The mean is over N samples; so N times the accuracy is a whole number.",
            "Single cells of p and y agree far oftener than samples do: they are no accuracy.",
        ],
        source: BOOK,
        others: &[],
        tables: &[accuracy::TABLE],
    },
    Derivation {
        right: "dW_l = a_{l-1}ᵀ·dz_l and db_l = Σ_i dz_l,i",
        lines: [
            "z_ij = Σ_k a_ik·W_kj + b_j for each sample i.",
            "∂z_ij/∂W_kj = a_ik, and W_kj acts on z_ij of every sample i.",
            "So ∂L/∂W_kj = Σ_i a_ik·dz_ij, which is aᵀ·dz, of the shape of W.",
            "∂z_ij/∂b_j = 1, so ∂L/∂b_j = Σ_i dz_ij: over samples, not over units.",
            "Sample by sample it is the outer product of a and dz, added up with +=.",
        ],
        source: NATURE,
        others: &[],
        tables: &[gradient::WEIGHTS, gradient::BIASES],
    },
    Derivation {
        right: "the gradient of a mean has 1/N once; W := W - lr·dW",
        lines: [
            "L = 1/N Σ_i L_i, so dW = 1/N Σ_i dW_i: 1/N stands in dz, or in dW and db, or in the step; once.",
            "N counts samples. Classes are summed over in L_i, and nothing is divided by their number.",
            "dW points uphill: the step subtracts it. y - p for p - y turns it, and the step must add.",
            "Each batch has a gradient of its own: set sums to zero before the next.",
            "A constant factor in dW acts as another learning rate: wrong only if lr is tuned for the right one.",
        ],
        source: BOOK,
        others: &[
            Bug::AccumulatorNotReset,
            Bug::MissingBatchMean,
            Bug::DoubleBatchMean,
            Bug::ScaleByClasses,
            Bug::ScaleConstant,
            Bug::SignFlipped,
            Bug::BiasNotUpdated,
            Bug::WeightNotUpdated,
            Bug::LearningRateTooHigh,
        ],
        tables: &[],
    },
    Derivation {
        right: "L + λ/2 Σ W² gives dW + λ·W; biases are left alone",
        lines: [
            "∂/∂W_ij of λ/2 Σ W² is λ·W_ij: the 2 of the square cancels the 1/2.",
            "λ/(2N) Σ W² gives λ/N·W; the factor of loss and gradient is one and the same.",
            "It is added to dW once: in dW, or in the step as W -= lr·(dW + λ·W).",
            "So is AdamW's decay, beside a step that is not the gradient: W -= lr·(step + λ·W).",
            "A bias only moves a unit's threshold: a penalty on it makes nothing smoother.",
        ],
        source: "A. Krogh, J. A. Hertz, A simple weight decay can improve generalization, 1991",
        others: &[Bug::L2Factor, Bug::L2OnBias, Bug::DecayWithoutLr],
        tables: &[],
    },
    Derivation {
        right: "v := μ·v + dW; W := W - lr·v",
        lines: [
            "v is the sum of past gradients, each weighted by μ for every step since: Σ_k μ^k·dW_{t-k}.",
            "A gradient that stays the same gives v = dW/(1 - μ): ten times dW for μ = 0.9.",
            "v := μ·v - lr·dW with W := W + v is the same, with lr inside.",
            "The new v moves W, not the one before.",
            "v begins as 0, and is kept from batch to batch.",
        ],
        source: "B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
        others: &[Bug::MomentumFormula],
        tables: &[],
    },
    Derivation {
        right: "m := β1·m + (1-β1)·g; s := β2·s + (1-β2)·g²; W := W - lr·m̂/(√ŝ + ε)",
        lines: [
            "m and s are running means of g and of g².",
            "Both begin as 0, so after t steps their weights sum to 1 - β1^t and 1 - β2^t only:",
            "m̂ = m/(1 - β1^t) and ŝ = s/(1 - β2^t) mend that; t counts from 1.",
            "m̂/√ŝ is about ±1 where g keeps its sign: lr is then the size of a step.",
            "ε keeps the division finite where g was always 0.",
        ],
        source: "D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, 2014",
        others: &[Bug::AdamBiasCorrection, Bug::AdamFormula],
        tables: &[],
    },
    Derivation {
        right: "s := ρ·s + (1-ρ)·g²; W := W - lr·g/(√s + ε)",
        lines: [
            "s is a running mean of g², for each weight by itself; Adagrad adds g² up instead.",
            "√s has the size and the unit of g, so g/√s is about ±1: lr is the size of a step.",
            "Without the root, steps grow as gradients shrink: g/g² = 1/g.",
            "The new s has this g in it, so no step is longer than lr/√(1-ρ).",
            "ε keeps the division finite; inside the root or outside it, both are used.",
        ],
        source: "T. Tieleman, G. Hinton, Lecture 6.5: RMSprop, 2012; J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, 2011",
        others: &[Bug::RmspropFormula],
        tables: &[],
    },
    Derivation {
        right: "dz_L = clip(p - y, -δ, δ)/N for Huber's loss of p = z",
        lines: [
            "Up to a distance of δ the loss is ½(p - y)²: its derivative is p - y.",
            "Beyond it is the line δ(|p - y| - δ/2), of slope ±δ.",
            "Both have the derivative ±δ at δ: clip(p - y, -δ, δ) is all of it.",
            "So no sample pulls harder than δ, however far off it is.",
            "p - y alone is the gradient of the squared error, which outliers rule.",
        ],
        source: "P. J. Huber, Robust estimation of a location parameter, 1964",
        others: &[Bug::ErrorNotClipped],
        tables: &[],
    },
    Derivation {
        right: "W_l drawn at random, of variance 2/in for ReLU; b_l = 0",
        lines: [
            "Two units of a layer with equal weights in and out have equal z, a, dz and dW:",
            "they stay equal for ever, and the layer is one unit wide. Random weights tell them apart.",
            "Var z = in·Var W·mean a²; ReLU halves the mean square: Var W = 2/in keeps it from layer to layer.",
            "A ReLU with z <= 0 for every sample has f' = 0: neither it nor its weights ever move again.",
            "Large negative biases, large steps and unscaled inputs all lead there.",
        ],
        source: "K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, 2015",
        others: &[Bug::ConstantInit, Bug::DeadRelu],
        tables: &[],
    },
];
