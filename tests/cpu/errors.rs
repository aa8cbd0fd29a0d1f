//! What an error says, to whom, and what it is to a program.

use gpu_mlp::Error;
use gpu_mlp::error::{Remedy, Setting};
use gpu_mlp::network::MlpSpec;
use gpu_mlp::training::{Plan, TrainConfig};

use crate::tiny;

fn flags(error: &Error) -> String {
    error.told(&|setting| format!("--{}", setting.name().replace('_', "-")))
}

#[test]
fn a_library_reads_fields_and_a_command_line_flags() {
    let config = TrainConfig { early_stopping: Some(3), batch_size: 8, ..TrainConfig::default() };
    let error = Plan::new(&config, &tiny::dataset()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "early_stopping needs a validation loss, but no samples are held out\n  hint: add validation_fraction 0.1"
    );
    assert_eq!(
        flags(&error),
        "--early-stopping needs a validation loss, but no samples are held out\n  hint: add --validation-fraction 0.1"
    );
    assert_eq!(error.remedies(), [Setting::ValidationFraction.set(0.1)]);
}

#[test]
fn remedies_are_data() {
    let error = MlpSpec::new(vec![1 << 20, 1 << 20, 2]).unwrap_err();
    assert_eq!(error.remedies(), [Remedy::Smaller(vec![Setting::Hidden])]);
    let error = Error::too_large("the batch");
    assert_eq!(error.remedies()[0], Remedy::Smaller(vec![Setting::BatchSize, Setting::Hidden]));
    assert_eq!(
        flags(&error),
        "the batch\n  hint: a smaller --batch-size or --hidden, another --adapter, or --backend cpu"
    );
    let error = Error::Diverged { epoch: 1, found: "the loss is NaN".into(), lr: 0.5 };
    assert_eq!(error.remedies()[0], Remedy::Smaller(vec![Setting::Lr]));
    assert!(flags(&error).ends_with("hint: try a smaller --lr (it was 0.5), or --on-divergence lower-lr"));
    let error = Error::Run { cause: Box::new(error), kept: "nothing is kept".into() };
    assert_eq!((error.remedies().len(), error.exit_code()), (2, 5));
}

/// What a program does about an error depends on its kind: a lost device is worth another try, a rejected shader is not.
#[test]
fn kinds_that_a_program_treats_differently_are_apart() {
    let shader = Error::Shader { name: "gather.main".into(), reason: "no such type".into() };
    assert_eq!(shader.to_string(), "the GPU failed: shader gather.main was rejected: no such type");
    let codes = [Error::too_large(""), Error::no_adapter(""), Error::Device(String::new()), shader]
        .map(|e| e.exit_code());
    assert_eq!(codes, [2, 3, 4, 4]);
}
