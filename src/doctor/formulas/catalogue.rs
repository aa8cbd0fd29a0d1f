//! Every bug the doctor can name: what it is and what to do. The formulas stand in the tables.

use serde::{Serialize, Serializer};
use std::fmt;

/// Declares the bugs, in the order in which they would show: name and id, what goes wrong, what to do.
macro_rules! bugs {
    ($($bug:ident = $id:literal, $why:literal, $fix:literal;)+) => {
        /// A bug. It is printed as its id.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $(#[doc = $why] $bug,)+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$bug),+];

            /// Its stable id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$bug => $id),+ }
            }

            /// What goes wrong.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$bug => $why),+ }
            }

            /// What to do, in one line.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$bug => $fix),+ }
            }
        }
    };
}

impl Bug {
    /// The bug with an id.
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.id() == id)
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl Serialize for Bug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// The ids of several bugs, with something between them.
pub fn join(bugs: &[Bug], between: &str) -> String {
    bugs.iter().map(|bug| bug.id()).collect::<Vec<_>>().join(between)
}

bugs! {
    InputsNotAligned = "inputs-not-aligned",
        "The rows of the tensor are the right ones in another order: X was shuffled without what belongs to it.",
        "shuffle X and y with one and the same permutation, and export the X that was used";
    PreactivationOverwritten = "preactivation-overwritten",
        "The activation was applied in place, so z and a are one array, and f' is later taken of a.",
        "write a = f(z) into a new array (copy before an in-place activation)";
    PreactivationOtherInput = "preactivation-other-input",
        "The layer computes z from another tensor than the a of the layer below: the layer below, or its activation, is skipped.",
        "z_l = a_{l-1} @ W_l + b_l: each layer takes the a of the one below it";
    BiasLeftOut = "bias-left-out",
        "The bias is missing from z, subtracted, or added in the wrong place.",
        "z = a @ W + b, exactly once, before the activation";
    ActivationMissing = "activation-missing",
        "The hidden layer passes z on unchanged; np.max(z, 0) reduces over axis 0 and is a common way to get there.",
        "a = np.maximum(z, 0) (or sigmoid, tanh) before the next layer";
    ActivationOther = "activation-other",
        "a is another function of z than the activation the file names.",
        "use one activation, and its own derivative; or correct `act` in the file";
    DropoutScale = "dropout-scale",
        "Dropout's mask is scaled wrongly: inverted dropout divides by the share kept, once, in both passes.",
        "use mask/(1 - q) in the forward and in the backward pass, and nothing at prediction";
    SoftmaxWholeBatch = "softmax-whole-batch",
        "max and sum run over the whole matrix: p sums to 1 over the batch, so the printed loss is CE + ln N + a gap that grows with confidence. Accuracy is untouched: the loss rises while accuracy rises.",
        "normalise each row: e = np.exp(z - z.max(axis=1, keepdims=True)); p = e / e.sum(axis=1, keepdims=True)";
    SoftmaxWrongAxis = "softmax-wrong-axis",
        "The softmax runs over the samples of each class.",
        "sum over the classes: axis=1 for samples as rows, axis=0 for samples as columns";
    SoftmaxTwice = "softmax-twice",
        "Softmax is applied to probabilities: often a loss function that takes logits is given p.",
        "apply softmax once; give logits to functions that expect logits";
    SoftmaxUnnormalised = "softmax-unnormalised",
        "The row is not divided by the sum of its exponentials, or has no exponential at all.",
        "p = e / e.sum(axis=1, keepdims=True) with e = np.exp(z - row maximum)";
    SoftmaxTemperature = "softmax-temperature",
        "The logits are multiplied by something before the softmax.",
        "softmax(z) of the logits as they are";
    SigmoidForSoftmax = "sigmoid-for-softmax",
        "Each class has a sigmoid of its own, so a row does not sum to 1.",
        "softmax over the row for one label a sample";
    SoftmaxOverflow = "softmax-overflow",
        "exp(z) overflows for logits above 709 (float64) or 88 (float32): inf/inf = nan.",
        "subtract the row's maximum before exp";
    SoftmaxBatchMax = "softmax-batch-max",
        "One maximum is subtracted from the whole batch: rows far below it underflow to 0/0.",
        "subtract each row's own maximum: z - z.max(axis=1, keepdims=True)";
    LogOfZero = "log-of-zero",
        "A probability has underflowed to 0, and its logarithm is -inf (or 0·log 0 = nan).",
        "compute the loss from the logits: logsumexp(z) - z_y; or clip p at 1e-12";
    LossScale = "loss-scale",
        "The printed loss is the cross-entropy times a constant; 1/len(pred) of one sample is 1/C.",
        "divide the sum of -log p_y by the number of samples, natural logarithm";
    LossBinaryCrossEntropy = "loss-binary-cross-entropy",
        "Binary cross-entropy over softmax outputs: its gradient is not p - y.",
        "loss = -mean(log p[range(N), y])";
    LossSquaredError = "loss-squared-error",
        "The printed loss is a squared error, which is not what the gradients descend.",
        "loss = -mean(log p[range(N), y]); or train with the squared error's own gradient";
    LossOuterProduct = "loss-outer-product",
        "Every sample's label meets every other sample's prediction: in a matrix product, or where (N, 1) - (N,) is broadcast to (N, N).",
        "multiply element by element, both of one shape: -np.sum(y * np.log(p)) / N, y.reshape(p.shape)";
    LossL2Mismatch = "loss-l2-mismatch",
        "The penalty in the printed loss is not the one whose gradient is used.",
        "lambda/2 * sum(w²) in the loss and lambda * w in the gradient (or both with 1/N)";
    BinaryCrossEntropySign = "binary-cross-entropy-sign",
        "One of the two terms of the binary cross-entropy has the wrong sign or is missing, so that it falls while outputs get worse.",
        "loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))";
    AccuracyWrongAxis = "accuracy-wrong-axis",
        "The arg max runs over the wrong axis, or cells are compared in place of samples.",
        "np.mean(p.argmax(axis=1) == labels)";
    SoftmaxJacobian = "softmax-jacobian",
        "p - y went through the softmax's Jacobian: this is the gradient of the squared error. For cross-entropy the Jacobian has already cancelled. It still descends, only slower where p is confidently wrong.",
        "dz = (p - y)/N";
    SoftmaxDiagonalJacobian = "softmax-diagonal-jacobian",
        "Only the diagonal p(1 - p) of the Jacobian is used; a change of one logit moves all probabilities.",
        "dz = (p - y)/N";
    SoftmaxDerivativeMissing = "softmax-derivative-missing",
        "The derivative of the loss by p was not taken through the softmax.",
        "dz = (p - y)/N, which is -y/p through the softmax's Jacobian";
    DeltaExtraFactor = "delta-extra-factor",
        "p - y is multiplied with something that does not belong there.",
        "dz = (p - y)/N, nothing else";
    OutputDerivativeMissing = "output-derivative-missing",
        "The error p - y was not multiplied by the derivative of the output's function.",
        "dz = (p - y) * h'(z): p * (1 - p) for a sigmoid, 1 - p**2 for tanh; or take the cross-entropy, whose dz is p - y";
    OutputDerivativeTwice = "output-derivative-twice",
        "The derivative of the output's function is multiplied in twice, or taken of p where its formula is for z.",
        "dz = (p - y) * h'(z), once; a function that computes sigmoid(z) itself must be given z";
    OutputDerivativeOnPreactivation = "output-derivative-on-preactivation",
        "The derivative's formula for p is given z.",
        "dz = (p - y) * p * (1 - p): the formula p(1 - p), or 1 - p², takes the output p";
    OutputDerivativeExtra = "output-derivative-extra",
        "For a sigmoid with binary cross-entropy the derivative p(1 - p) has already cancelled.",
        "dz = p - y";
    OutputDeltaSquared = "output-delta-squared",
        "The error is squared, so that its sign is lost.",
        "dz = (p - y) * h'(z): the loss is squared, its derivative is not";
    ErrorNotClipped = "error-not-clipped",
        "The loss is Huber's, but its gradient is that of the squared error: far samples pull as hard as they are far.",
        "dz = np.clip(p - y, -delta, delta) / N; or print the squared error";
    ErrorZero = "error-zero",
        "dz is zero, so that nothing below it learns: integers that were rounded down, or an array that was never filled.",
        "compute dz in floating point, and store it in the array that is used";
    LabelsShifted = "labels-shifted",
        "The labels used are the right ones plus a constant; -1 wraps to the last class.",
        "count classes from 0 everywhere";
    LabelsPermuted = "labels-permuted",
        "The labels used belong to other samples of the batch.",
        "index X and y with the same permutation, in the loss and in the gradient";
    LabelsWrong = "labels-wrong",
        "The labels used are not the file's.",
        "use the y of the same batch, one-hot, in the gradient";
    WeightNotTransposed = "weight-not-transposed",
        "The error goes back through something else than the transpose of the W above; equal sizes or a reshape hide it.",
        "da = dz @ W.T (samples as rows)";
    ErrorNotSummed = "error-not-summed",
        "The error that comes back to a unit is not the sum over all units above it: one alone, one too few, or the biases' column in place of a unit's.",
        "da = dz @ W.T: += over all units above in a loop, and without the biases' column";
    ValueForError = "value-for-error",
        "The values of a layer stand where its error belongs.",
        "da = dz @ W.T and dW = a.T @ dz: what goes back is dz, not a or p";
    UpdatedWeightsInBackward = "updated-weights-in-backward",
        "The layer above was already stepped when its weights were used for the layer below.",
        "compute all gradients first, then step all parameters";
    ActivationDerivativeMissing = "activation-derivative-missing",
        "The hidden layer's f' is not multiplied in.",
        "dz = da * f'(z) in every hidden layer";
    ActivationDerivativeTwice = "activation-derivative-twice",
        "The derivative is taken at f(z), or multiplied in twice.",
        "give f' what its formula expects: sigmoid' = a(1 - a) takes a, sigmoid(z)(1 - sigmoid(z)) takes z";
    ActivationDerivativeOnPreactivation = "activation-derivative-on-preactivation",
        "The derivative's formula for a is given z.",
        "a(1 - a) and 1 - a² take the activation a, not z";
    ActivationDerivativeOfError = "activation-derivative-of-error",
        "The derivative is taken at the error that comes back.",
        "dz = da * f'(z)";
    ActivationDerivativeOther = "activation-derivative-other",
        "The derivative belongs to another activation, or to another layer, than the forward pass.",
        "use the derivative of the activation that is used forward, at this layer's own z";
    ReluMaskInverted = "relu-mask-inverted",
        "The mask lets the error through where the unit was off, or looks at the wrong tensor.",
        "dz = da * (z > 0)";
    DropoutMaskMissing = "dropout-mask-missing",
        "Dropout's mask is applied in one of the two passes only.",
        "a = f(z) * mask/(1 - q) and dz = da * mask/(1 - q) * f'(z), with the same mask";
    WeightGradOwnOutput = "weight-grad-own-output",
        "The weight gradient uses another layer's activation.",
        "dW_l = a_{l-1}.T @ dz_l: the layer's input";
    WeightGradPreactivation = "weight-grad-preactivation",
        "The weight gradient uses z of the layer below.",
        "dW_l = a_{l-1}.T @ dz_l: after the activation";
    WeightGradTransposed = "weight-grad-transposed",
        "The weight gradient is transposed, or reshaped where it should be transposed.",
        "dW = a.T @ dz for W [in, out]; use .T, never reshape, to transpose";
    WeightGradContraction = "weight-grad-contraction",
        "The product runs over the wrong index, or sums come before products.",
        "dW = a.T @ dz: for each pair (in, out) the sum over samples of a·dz";
    WeightLastSample = "weight-last-sample",
        "One sample's gradient stands for the batch.",
        "add up over samples: += in the loop, or a.T @ dz";
    WeightGradZero = "weight-grad-zero",
        "The weight gradient is zero although it should not be.",
        "check that the gradient is stored and returned";
    BiasSummedOverUnits = "bias-summed-over-units",
        "The bias gradient is summed over the units as well: one number for all.",
        "db = dz.sum(axis=0) for samples as rows";
    BiasLastSample = "bias-last-sample",
        "Only one sample's dz reaches the bias.",
        "db += dz in the loop over samples, or dz.sum(axis=0)";
    BiasLastSampleScalar = "bias-last-sample-scalar",
        "np.sum(v, axis=0) of one sample's vector is a single number, and = keeps the last sample's only.",
        "db += dz for each sample (no sum inside the loop)";
    BiasNotSummed = "bias-not-summed",
        "db still has a row for every sample.",
        "db = dz.sum(axis=0)";
    BiasAbsolute = "bias-absolute",
        "db is not linear in dz.",
        "db = dz.sum(axis=0)";
    BiasZero = "bias-zero",
        "The bias gradient is zero although dz is not.",
        "db = dz.sum(axis=0)";
    AccumulatorNotReset = "accumulator-not-reset",
        "Something of an earlier batch is still in the gradient.",
        "set the gradients to zero before each batch";
    MissingBatchMean = "missing-batch-mean",
        "The gradient is summed, the loss is a mean, and no 1/N is anywhere: the step grows with the batch.",
        "divide by N once: in dz, in dW and db, or in the step (nothing is wrong if your loss is a sum over the batch: export `loss`)";
    DoubleBatchMean = "double-batch-mean",
        "1/N is applied twice.",
        "divide by N once: in dz, or in dW and db, or in the step";
    ScaleByClasses = "scale-by-classes",
        "The number of classes is in the gradient.",
        "divide by the number of samples, not of classes";
    ScaleConstant = "scale-constant",
        "The tensor is right but for a constant factor.",
        "remove the factor";
    SignFlipped = "sign-flipped",
        "The sign is wrong: the step goes uphill.",
        "W -= lr * dW with dW from p - y, or W += lr * dW with dW from y - p";
    L2OnBias = "l2-on-bias",
        "The penalty is applied to the biases too.",
        "add lambda * w to weight gradients only";
    L2Factor = "l2-factor",
        "The penalty's gradient has another factor than the penalty.",
        "add lambda * W for lambda/2·Σw² (or lambda/N * W for lambda/2N·Σw²), once";
    DecayWithoutLr = "decay-without-lr",
        "The decay of the weights is not multiplied by the learning rate: each step shrinks them by λ, far more than meant.",
        "W -= lr * (step + lambda * W)";
    BiasNotUpdated = "bias-not-updated",
        "The bias has a gradient but does not move.",
        "b -= lr * db";
    WeightNotUpdated = "weight-not-updated",
        "The weights have a gradient but do not move.",
        "W -= lr * dW";
    MomentumFormula = "momentum-formula",
        "The velocity is not what momentum defines, or an old one is used.",
        "v = mu*v + g; w -= lr*v (or v = mu*v - lr*g; w += v), with the new v";
    AdamBiasCorrection = "adam-bias-correction",
        "The moments are not divided by 1 - beta^t.",
        "m/(1 - b1**t) and s/(1 - b2**t), t counted from 1";
    AdamFormula = "adam-formula",
        "The moments or the step are not Adam's.",
        "m = b1*m + (1-b1)*g; s = b2*s + (1-b2)*g*g; w -= lr*mhat/(sqrt(shat) + eps)";
    RmspropFormula = "rmsprop-formula",
        "The squares or the step are not those of RMSprop (or Adagrad).",
        "s = rho*s + (1-rho)*g*g (Adagrad: s += g*g); w -= lr*g/(sqrt(s) + eps), with the new s";
    InputsUnscaled = "inputs-unscaled",
        "Inputs of 0..255 saturate the first layer.",
        "divide pixels by 255, or standardise";
    ConstantInit = "constant-init",
        "All units of a layer are equal and stay equal: the layer is one unit wide.",
        "draw weights at random: N(0, 2/n_in) for ReLU";
    DeadRelu = "dead-relu",
        "No unit of a layer is on for any sample: no gradient passes.",
        "smaller learning rate, inputs/255, weights N(0, 2/n_in), biases 0";
    LearningRateTooHigh = "learning-rate-too-high",
        "The gradient is right, yet the loss of this very batch grows with the step.",
        "make the learning rate smaller";
}
