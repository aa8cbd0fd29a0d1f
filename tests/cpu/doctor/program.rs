//! The command itself: exit codes, JSON, the text for people, and the export snippet.

use super::{PLAIN, export, network};
use gpu_mlp::doctor::file::npy::Value;
use gpu_mlp::doctor::file::npz::{self, Entries};
use gpu_mlp::network::Activation;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn doctor(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gpu-mlp")).arg("doctor").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn save(folder: &Path, entries: &Entries) -> PathBuf {
    let path = folder.join("dump.npz");
    npz::write(&path, entries.iter().map(|(name, value)| (name.as_str(), value))).unwrap();
    path
}

fn with_bug() -> Entries {
    let mut entries = export(&network(11, 17, &[6, 5, 4], Activation::Relu), PLAIN, 0.1);
    let Some(Value::Numbers(db)) = entries.get_mut("db1") else { panic!() };
    db.data.fill(0.0);
    entries.remove("b1_new"); // it moved, by the right gradient
    entries
}

#[test]
fn clean_wrong_and_unreadable_have_their_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let right = export(&network(11, 17, &[6, 5, 4], Activation::Relu), PLAIN, 0.1);
    let path = save(folder.path(), &right);
    let output = doctor(&[path.to_str().unwrap(), "--act", "relu"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("Clean: all 17 tensors"), "{}", text(&output.stdout));

    let path = save(folder.path(), &with_bug());
    let output = doctor(&[path.to_str().unwrap(), "--act", "relu"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.starts_with("First wrong: db1 - bias-zero\nFix: db = dz.sum(axis=0)\n"), "{said}");
    assert!(said.contains("WRONG") && said.contains("next best"), "{said}");

    std::fs::write(&path, "not a zip").unwrap();
    let output = doctor(&[path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not an .npz file"), "{}", text(&output.stderr));
    assert_eq!(doctor(&["no/such/file.npz"]).status.code(), Some(2));
    assert_eq!(doctor(&[]).status.code(), Some(2));
    assert_eq!(doctor(&[path.to_str().unwrap(), "--tolerance", "7"]).status.code(), Some(2));
    assert_eq!(doctor(&[path.to_str().unwrap(), "--map", "W1"]).status.code(), Some(2));
}

#[test]
fn json_has_exactly_the_promised_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), &with_bug());
    let output = doctor(&[path.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let keys = |value: &Json| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(keys(&report), "checked findings first_mismatch notes verdict");
    assert_eq!((&report["verdict"], &report["first_mismatch"]), (&Json::from("bugs"), &Json::from("db1")));
    let finding = &report["findings"][0];
    assert_eq!(keys(finding), "also bug depends fix formula residual right runner_up tensor");
    assert_eq!(keys(&finding["runner_up"]), "bug residual");
    assert_eq!(keys(&finding["right"]), "code operands");
    assert_eq!(finding["bug"], "bias-zero");
    assert_eq!(keys(&report["checked"][0]), "residual status tensor");
    let statuses: Vec<&str> =
        report["checked"].as_array().unwrap().iter().map(|c| c["status"].as_str().unwrap()).collect();
    assert!(statuses.contains(&"ok") && statuses.contains(&"wrong"), "{statuses:?}");
}

/// Several lines stand below the word, and the shapes in a comment of the language.
#[test]
fn the_right_line_is_in_the_language_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), &with_bug());
    let output = doctor(&[path.to_str().unwrap(), "--language", "javascript"]);
    let said = text(&output.stdout);
    let lines = "  right:\n    // dz1 [17, 5]\n    for (let i = 0; i < n1; i++) {\n      let sum = 0;\n";
    assert!(said.contains(lines), "{said}");
    let said = text(&doctor(&[path.to_str().unwrap(), "--language", "matlab"]).stdout);
    assert!(said.contains("  right: db1 = sum(dz1, 1)   % dz1 [17, 5]\n"), "{said}");
    assert_eq!(doctor(&[path.to_str().unwrap(), "--language", "cobol"]).status.code(), Some(2));
    for language in ["julia", "matlab", "javascript", "java", "c"] {
        let snippet = text(&doctor(&["--template", language]).stdout);
        assert!(snippet.contains(&format!("--language {language}")), "{snippet}");
    }
}

#[test]
fn templates_are_short_and_name_the_keys() {
    for language in ["numpy", "pytorch", "julia"] {
        let output = doctor(&["--template", language]);
        assert_eq!(output.status.code(), Some(0));
        let snippet = text(&output.stdout);
        assert!(snippet.lines().count() <= 20, "{language}");
        assert!(
            snippet.contains("dump.npz") && snippet.contains("X") && snippet.contains("loss"),
            "{snippet}"
        );
    }
    for (language, snippet) in gpu_mlp::doctor::file::template::ALL {
        let output = doctor(&["--template", language]);
        assert_eq!((text(&output.stdout).trim_end(), output.status.code()), (snippet.trim_end(), Some(0)));
        assert!(snippet.lines().count() <= 20 && snippet.contains("dump"), "{language}");
    }
    assert_eq!(doctor(&["--template", "cobol"]).status.code(), Some(2));
}

/// A two-layer network in numpy, with the names of the template.
const NETWORK: &str = "
import numpy as np
r = np.random.default_rng(0)
n, lr = 37, 0.1
X, y = r.normal(size=(n, 6)), r.integers(0, 4, size=n)
W1, b1, W2, b2 = r.normal(size=(6, 5)), r.normal(size=5), r.normal(size=(5, 4)), r.normal(size=4)
z1 = X @ W1 + b1; a1 = np.maximum(z1, 0); z2 = a1 @ W2 + b2
p = np.exp(z2 - z2.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
loss = -np.mean(np.log(p[np.arange(n), y]))
dz2 = (p - np.eye(4)[y]) / n; dW2 = a1.T @ dz2; db2 = dz2.sum(0)
da1 = dz2 @ W2.T; dz1 = da1 * (z1 > 0); dW1 = X.T @ dz1; db1 = dz1.sum(0)
W1_new, b1_new, W2_new, b2_new = W1 - lr * dW1, b1 - lr * db1, W2 - lr * dW2, b2 - lr * db2
";

/// Rashid's kind of names, in a function.
const FUNCTION: &str = "
import numpy as np
def train():
    r = np.random.default_rng(0)
    n, lr = 37, 0.1
    inputs, targets = r.normal(size=(n, 6)), np.eye(4)[r.integers(0, 4, size=n)]
    wih, who, bias_h, bias_o = r.normal(size=(6, 5)), r.normal(size=(5, 4)), r.normal(size=5), r.normal(size=4)
    hidden_inputs = inputs @ wih + bias_h
    hidden_outputs = np.tanh(hidden_inputs)
    final_inputs = hidden_outputs @ who + bias_o
    final_outputs = np.exp(final_inputs) / np.exp(final_inputs).sum(1, keepdims=True)
    output_errors = (final_outputs - targets) / n
    hidden_errors = output_errors @ who.T
    hidden_delta = hidden_errors * (1 - hidden_outputs ** 2)
    grad_who, grad_wih = hidden_outputs.T @ output_errors, inputs.T @ hidden_delta
    loss_history, note = np.ones(100), 'text'
    who_new, wih_new = who - lr * grad_who, wih - lr * grad_wih
";

/// Runs where `python3` (or `GPU_MLP_PYTHON`) has numpy; elsewhere it says that it did not.
#[test]
fn the_numpy_template_runs() {
    let Some(python) = super::python_with_numpy() else { return };
    let folder = tempfile::tempdir().unwrap();
    let indented: String =
        gpu_mlp::doctor::file::template::LOCALS.lines().map(|line| format!("    {line}\n")).collect();
    let script = format!("{FUNCTION}{indented}train()\n");
    let output = Command::new(&python).args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let path = folder.path().join("dump.npz");
    let output = doctor(&[path.to_str().unwrap()]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(
        said.contains("Names read as: --map") && said.contains("wih=W1") && said.contains("`loss_history`"),
        "{said}"
    );

    let script = NETWORK.to_owned() + gpu_mlp::doctor::file::template::NUMPY;
    let output = Command::new(&python).args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let path = folder.path().join("dump.npz");
    let output = doctor(&[path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(!text(&output.stdout).contains("ignored"), "{}", text(&output.stdout));
}
