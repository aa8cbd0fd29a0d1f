//! Settings by name. An error names a setting; the program that shows the error spells it as its users know it.

macro_rules! settings {
    ($($variant:ident $name:literal $what:literal),* $(,)?) => {
        /// What can be set. The library's fields are called so, and the program's options, with dashes for underscores.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Setting {
            $(#[doc = $what] $variant,)*
        }

        impl Setting {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in the library: `batch_size`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

settings! {
    Activation "activation" "Activation after the hidden layers.",
    Adapter "adapter" "Adapter to compute on.",
    Backend "backend" "Interface to a GPU, or the CPU.",
    Batch "batch" "Samples of a gradient check.",
    BatchSize "batch_size" "Samples per batch.",
    ClassWeight "class_weight" "Weights of the classes.",
    ClipNorm "clip_norm" "Largest norm of a gradient.",
    Columns "columns" "The columns to learn from.",
    Data "data" "The data set.",
    DataDir "data_dir" "The folder of data sets.",
    DecimalComma "decimal_comma" "Whether numbers have a comma where others have a point.",
    Dropout "dropout" "Probability that a hidden unit is dropped.",
    EarlyStopping "early_stopping" "Epochs without a lower validation loss.",
    Ensemble "ensemble" "Number of members of an ensemble.",
    Epochs "epochs" "Passes over the training samples.",
    Eps "eps" "What batch normalisations add to the variance.",
    Exclude "exclude" "Columns to leave out.",
    Folds "folds" "Number of folds of a cross-validation.",
    Header "header" "Whether the first line names the columns.",
    Hidden "hidden" "Sizes of the hidden layers.",
    Init "init" "The model to begin with.",
    LabelColumn "label_column" "The column of the labels.",
    LabelSmoothing "label_smoothing" "Fraction of a label that is spread over all classes.",
    Loss "loss" "Loss to minimise.",
    Lr "lr" "The learning rate.",
    LrGamma "lr_gamma" "Factor of each reduction in the schedule `step`.",
    LrMin "lr_min" "Last learning rate of the schedule `cosine`.",
    LrSchedule "lr_schedule" "Schedule of the learning rate.",
    LrStepEpochs "lr_step_epochs" "Epochs between two reductions in the schedule `step`.",
    Map "map" "Other names of the doctor's arrays.",
    MaxCategories "max_categories" "The most inputs of a column of words.",
    MemoryLimit "memory_limit" "Memory for samples.",
    Missing "missing" "What is done about missing values.",
    Momentum "momentum" "Momentum of gradient descent.",
    NaValues "na_values" "Words for missing values.",
    Nesterov "nesterov" "Nesterov momentum.",
    NpzKeys "npz_keys" "Which arrays are values and labels.",
    OnDivergence "on_divergence" "What to do if training diverges.",
    Optimizer "optimizer" "The optimiser.",
    Out "out" "Where the result is written.",
    OverfitBatches "overfit_batches" "Batches to train on, the same in every epoch.",
    Overwrite "overwrite" "Whether a run may replace another.",
    AsDigits "as_digits" "Whether an image is made to look like MNIST's digits.",
    Precision "precision" "What operands of large products are rounded to.",
    Resize "resize" "The size that images are stretched to.",
    SkipBroken "skip_broken" "Whether broken images are left out.",
    Transpose "transpose" "Whether rows and columns of images change places.",
    Raw "raw" "Whether an image is taken as it is.",
    Resume "resume" "The run to resume.",
    Scale "scale" "Scaling of the inputs.",
    Seconds "seconds" "How long to measure.",
    Seed "seed" "Seed of the weights, the shuffles and dropout.",
    Separator "separator" "What stands between two values.",
    Task "task" "The task.",
    Test "test" "Number of test samples.",
    TestData "test_data" "The test set.",
    TestFraction "test_fraction" "Fraction of the data to test on.",
    To "to" "Format of an export.",
    Train "train" "Number of training samples.",
    Trials "trials" "Number of trials of a sweep.",
    ValidationData "validation_data" "The validation set.",
    ValidationFraction "validation_fraction" "Fraction of the training set that is held out.",
    WarmupEpochs "warmup_epochs" "Epochs in which the learning rate rises.",
    WeightColumn "weight_column" "The column of the samples' weights.",
    WeightDecay "weight_decay" "The penalty on large weights.",
}
