//! The right lines of Matlab and Julia, as text: none of them is run.

use super::{PLAIN, Style, export, network};
use gpu_mlp::doctor::file::npy::Value;
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::{self, Language, Options};
use gpu_mlp::network::Activation;

/// Samples and weights the other way round, and 1/N in dW and db.
const COLUMNS: Style = Style { rows: false, in_out: false, mean: 1, ..PLAIN };

fn right(style: Style) -> Entries {
    export(&network(8, 17, &[6, 5, 4], Activation::Tanh), style, 0.1)
}

/// The line for a tensor of a right network that was spoilt.
fn line(right: &Entries, tensor: &str, language: Language) -> String {
    let mut entries = right.clone();
    let Some(Value::Numbers(array)) = entries.get_mut(tensor) else { panic!("no {tensor}") };
    array
        .data
        .iter_mut()
        .enumerate()
        .for_each(|(i, value)| *value = *value * (1.3 + (i % 7) as f64 / 9.0) + 0.01);
    let report = doctor::examine(&entries, &Options { language, ..Options::default() }).unwrap();
    let finding = report.findings.iter().find(|finding| finding.tensor.to_string() == tensor);
    finding.unwrap_or_else(|| panic!("{tensor}: {report:#?}")).right.as_ref().unwrap().code.clone()
}

#[track_caller]
fn all(style: Style, language: Language, lines: &[&str]) {
    let right = right(style);
    let written: Vec<String> = lines
        .iter()
        .map(|wanted| {
            let (before, _) = wanted.rsplit_once(" = ").unwrap_or((wanted, ""));
            let tensor = before.rsplit("; ").next().unwrap_or(before);
            line(&right, tensor, language)
        })
        .collect();
    assert_eq!(written, lines);
}

#[test]
fn matlab_with_samples_as_rows() {
    all(
        PLAIN,
        Language::Matlab,
        &[
            "z1 = X * W1 + b1",
            "a1 = tanh(z1)",
            "e = exp(z2 - max(z2, [], 2)); p = e ./ sum(e, 2)",
            "loss = -mean(log(p(sub2ind(size(p), (1:N)', y(:) + 1))))",
            "accuracy = mean(p(sub2ind(size(p), (1:N)', y(:) + 1)) == max(p, [], 2))",
            "dz2 = (p - (y(:) == 0:3)) / N",
            "da1 = dz2 * W2'",
            "dz1 = da1 .* (1 - a1.^2)",
            "dW2 = a1' * dz2",
            "db2 = sum(dz2, 1)",
            "W1_new = W1 - lr * dW1",
            "b1_new = b1 - lr * db1",
        ],
    );
}

#[test]
fn matlab_with_samples_as_columns() {
    all(
        COLUMNS,
        Language::Matlab,
        &[
            "z1 = W1 * X + b1",
            "e = exp(z2 - max(z2, [], 1)); p = e ./ sum(e, 1)",
            "loss = -mean(log(p(sub2ind(size(p), y(:)' + 1, 1:N))))",
            "accuracy = mean(p(sub2ind(size(p), y(:)' + 1, 1:N)) == max(p, [], 1))",
            "dz2 = p - ((0:3)' == y(:)')",
            "da1 = W2' * dz2",
            "dz1 = da1 .* (1 - a1.^2)",
            "dW2 = dz2 * a1' / N",
            "db2 = sum(dz2, 2) / N",
        ],
    );
}

#[test]
fn julia_with_samples_as_rows() {
    all(
        PLAIN,
        Language::Julia,
        &[
            "z1 = X * W1 .+ b1",
            "a1 = tanh.(z1)",
            "e = exp.(z2 .- maximum(z2, dims=2)); p = e ./ sum(e, dims=2)",
            "loss = -mean(log.([p[i, y[i] + 1] for i in 1:N]))",
            "accuracy = mean([p[i, y[i] + 1] for i in 1:N] .== vec(maximum(p, dims=2)))",
            "dz2 = (p - (y .== (0:3)')) / N",
            "da1 = dz2 * W2'",
            "dz1 = da1 .* (1 .- a1.^2)",
            "dW2 = a1' * dz2",
            "db2 = sum(dz2, dims=1)",
            "W1_new = W1 - lr * dW1",
            "b1_new = b1 - lr * db1",
        ],
    );
}

#[test]
fn julia_with_samples_as_columns() {
    all(
        COLUMNS,
        Language::Julia,
        &[
            "z1 = W1 * X .+ b1",
            "e = exp.(z2 .- maximum(z2, dims=1)); p = e ./ sum(e, dims=1)",
            "loss = -mean(log.([p[y[i] + 1, i] for i in 1:N]))",
            "accuracy = mean([p[y[i] + 1, i] for i in 1:N] .== vec(maximum(p, dims=1)))",
            "dz2 = p - ((0:3) .== y')",
            "da1 = W2' * dz2",
            "dz1 = da1 .* (1 .- a1.^2)",
            "dW2 = dz2 * a1' / N",
            "db2 = sum(dz2, dims=2) / N",
        ],
    );
}

/// Matlab has no function for a choice: each value counts where its condition is true.
#[test]
fn a_choice_is_written_as_each_language_has_it() {
    let right = export(&network(8, 17, &[6, 5, 4], Activation::LeakyRelu), PLAIN, 0.1);
    for (tensor, matlab, julia) in [
        ("a1", "a1 = (z1 > 0) .* z1 + (z1 <= 0) .* (0.01 * z1)", "a1 = ifelse.(z1 .> 0, z1, 0.01 * z1)"),
        ("dz1", "dz1 = da1 .* ((z1 > 0) + (z1 <= 0) * 0.01)", "dz1 = da1 .* ifelse.(z1 .> 0, 1, 0.01)"),
    ] {
        let written = [Language::Matlab, Language::Julia].map(|language| line(&right, tensor, language));
        assert_eq!(written, [matlab, julia]);
    }
}

#[test]
fn vectors_of_the_file_are_rows_or_columns_as_they_are_needed() {
    let mut right = right(PLAIN);
    for name in ["b1", "db1", "b1_new", "b2", "db2", "b2_new"] {
        let Some(Value::Numbers(array)) = right.get_mut(name) else { panic!() };
        array.shape.remove(0);
    }
    for (tensor, matlab, julia) in [
        ("z1", "z1 = X * W1 + b1(:)'", "z1 = X * W1 .+ b1'"),
        ("db1", "db1 = sum(dz1, 1)", "db1 = vec(sum(dz1, dims=1))"),
        ("b1_new", "b1_new = b1 - lr * db1", "b1_new = b1 - lr * db1"),
    ] {
        assert_eq!(
            [Language::Matlab, Language::Julia].map(|language| line(&right, tensor, language)),
            [matlab, julia]
        );
    }
}

/// The bias gradient of the file is one number: the line fills an array that lies as the bias does.
#[test]
fn what_has_a_wrong_shape_is_filled_in_the_right_one() {
    let mut entries = right(PLAIN);
    let Some(Value::Numbers(db)) = entries.get_mut("db1") else { panic!() };
    (db.shape, db.data) = (Vec::new(), vec![db.data.iter().sum()]);
    let options = Options { language: Language::JavaScript, ..Options::default() };
    let report = doctor::examine(&entries, &options).unwrap();
    let right = report.findings[0].right.as_ref().unwrap();
    assert!(right.code.ends_with("  db1[0][i] = sum;\n}"), "{report:#?}");
}

#[test]
fn labels_from_1_are_taken_as_they_are() {
    let mut right = right(PLAIN);
    let Some(Value::Numbers(y)) = right.get_mut("y") else { panic!() };
    y.data.iter_mut().for_each(|label| *label += 1.0);
    for (language, line_of_dz) in [
        (Language::Numpy, "dz2 = (p - np.eye(4)[y - 1]) / len(X)"),
        (Language::Matlab, "dz2 = (p - (y(:) == 1:4)) / N"),
        (Language::Julia, "dz2 = (p - (y .== (1:4)')) / N"),
    ] {
        assert_eq!(line(&right, "dz2", language), line_of_dz);
    }
    assert_eq!(
        line(&right, "loss", Language::Matlab),
        "loss = -mean(log(p(sub2ind(size(p), (1:N)', y(:)))))"
    );
    assert_eq!(
        line(&right, "loss", Language::C),
        "double sum = 0;\nfor (int i = 0; i < N; i++) sum += log(p[i][(int) y[i] - 1]);\nloss = -sum / N;"
    );
}

/// One loop an index, one accumulator a sum, and a largest value that is looked for once a row.
#[test]
fn loops_compute_every_sum_once() {
    let right = right(PLAIN);
    assert_eq!(
        line(&right, "p", Language::JavaScript),
        "for (let i = 0; i < N; i++) {
  let max = -Infinity;
  for (let j = 0; j < n2; j++) max = Math.max(max, z2[i][j]);
  let sum = 0;
  for (let j = 0; j < n2; j++) sum += Math.exp(z2[i][j] - max);
  for (let j = 0; j < n2; j++) p[i][j] = Math.exp(z2[i][j] - max) / sum;
}"
    );
    assert_eq!(
        line(&right, "dW2", Language::Java),
        "for (int i = 0; i < n1; i++)
  for (int j = 0; j < n2; j++) {
    double sum = 0;
    for (int k = 0; k < N; k++) sum += a1[k][i] * dz2[k][j];
    dW2[i][j] = sum;
  }"
    );
    let biases = |language| line(&right, "b1_new", language);
    assert_eq!(
        biases(Language::JavaScript),
        "for (let i = 0; i < n1; i++) b1_new[0][i] = b1[0][i] - lr * db1[0][i];"
    );
    assert_eq!(biases(Language::C), "for (int i = 0; i < n1; i++) b1_new[i] = b1[i] - lr * db1[i];");
}
