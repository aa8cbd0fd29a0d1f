//! What can be set, by name: an error names it so, and whoever shows the error spells it as its readers know it.

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
    Activation "activation" "What follows every hidden layer.",
    Adapter "adapter" "Which adapter computes.",
    Backend "backend" "Which interface to a GPU, or the CPU.",
    Batch "batch" "Samples of a gradient check.",
    BatchSize "batch_size" "Samples in a batch.",
    ClassWeight "class_weight" "What a sample of each class counts.",
    ClipNorm "clip_norm" "The longest gradient.",
    Data "data" "Which data set.",
    DataDir "data_dir" "The folder of data sets.",
    Dropout "dropout" "How many hidden units a step leaves out.",
    EarlyStopping "early_stopping" "Epochs without a better validation loss.",
    Epochs "epochs" "Times that every sample is seen.",
    Hidden "hidden" "Sizes of the hidden layers.",
    LabelColumn "label_column" "The column of the labels.",
    LabelSmoothing "label_smoothing" "How much of a label is spread over all classes.",
    Loss "loss" "What training makes small.",
    Lr "lr" "The learning rate.",
    LrGamma "lr_gamma" "What the schedule `step` multiplies the rate by.",
    LrMin "lr_min" "Where the schedule `cosine` ends.",
    LrSchedule "lr_schedule" "The curve of the learning rate.",
    LrStepEpochs "lr_step_epochs" "Epochs between two falls of the schedule `step`.",
    Map "map" "Other names of the doctor's arrays.",
    MemoryLimit "memory_limit" "Memory for samples.",
    Momentum "momentum" "Momentum of gradient descent.",
    Nesterov "nesterov" "Nesterov's form of the momentum.",
    OnDivergence "on_divergence" "What becomes of a training that diverges.",
    Optimizer "optimizer" "How a gradient becomes a step.",
    Out "out" "Where the result is written.",
    OverfitBatches "overfit_batches" "Batches to train on, the same in every epoch.",
    Overwrite "overwrite" "Whether a run may replace another.",
    Raw "raw" "Whether a picture is taken as it is.",
    Resume "resume" "The run to go on with.",
    Scale "scale" "How values are scaled.",
    Seconds "seconds" "How long to measure.",
    Task "task" "What the data are for.",
    Test "test" "How many test samples.",
    TestData "test_data" "What to test on.",
    TestFraction "test_fraction" "How much of the data to test on.",
    To "to" "The form of an export.",
    Train "train" "How many training samples.",
    ValidationFraction "validation_fraction" "How much of the training set is held out.",
    WarmupEpochs "warmup_epochs" "Epochs in which the learning rate rises.",
    WeightColumn "weight_column" "The column of the samples' weights.",
    WeightDecay "weight_decay" "The penalty on large weights.",
}
