//! The page of `scripts/gpu-check`: whether it says of a GPU that computes nonsense that its speeds do not count.

use std::process::Command;

/// A page about one training of each accuracy and one kernel, where the check has passed or not. "None" is no figure. Nothing
/// where there is no Python: it says so.
fn page(passed: &str, accuracies: &str) -> Option<String> {
    let python = std::env::var("GPU_MLP_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = format!(
        r#"
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "benches/peers")
import page
row = lambda accuracy: {{
    "name": "gpu-mlp", "kind": "ours", "version": "1", "samples_per_second": 5e6, "runs": [5e6, 5e6], "samples_seen": 60000,
    "test_loss": accuracy, "test_accuracy": accuracy}}
form = {{"form": "matmul_large", "shape": [128, 784, 300], "gflops": 40.0}}
kernel = {{"kernel": "matmul_small.forward", "shape": [128, 784, 300], "microseconds_per_step": 0.2, "gflops": 3e5}}
device = {{"kernels": [kernel], "peak": {{"gflops": None}}, "step": {{
    "microseconds": 9.0, "samples_per_second": None, "kernels_microseconds": 0.2, "host_microseconds": 2.0, "launches": 3}}}}
groups = [{{"layers": [784, 300, 75, 10], "batch": 128, "rows": [row(accuracy)]}} for accuracy in {accuracies}]
check = {{"name": "selftest", "seconds": 1.0, "result": "told", "passed": {passed}, "output": "all values differ"}}
print(page.markdown({{
    "machine": {{"software_adapter": False}}, "missing": None, "adapters": [], "notes": [], "products": {{}}, "seconds": 9,
    "checks": [check], "groups": groups, "bench": {{"one": {{"devices": [device], "forms": [form]}}, "other": {{}}}}}}))
"#
    );
    let ran =
        match Command::new(&python).args(["-c", &script]).current_dir(env!("CARGO_MANIFEST_DIR")).output() {
            Ok(ran) => ran,
            Err(error) => {
                eprintln!("skipped: {python}: {error}");
                return None;
            }
        };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(String::from_utf8(ran.stdout).unwrap().replace("\r\n", "\n"))
}

#[test]
fn every_row_of_a_gpu_that_computes_nothing_says_so() {
    let Some(page) = page("False", "[0.0, None]") else { return };
    assert!(
        page.contains("**Checks: 0 of 1 passed. This adapter computes wrong results, or none.**"),
        "{page}"
    );
    assert!(page.contains("all values differ"), "{page}");
    for accuracy in ["0.00 %", "–"] {
        let why = format!("wrong results: test accuracy {accuracy}. This speed does not count");
        assert_eq!(page.matches(&why).count(), 2, "in its row and in the verdict: {page}");
    }
    assert!(page.contains("| checks failed: this speed does not count |"), "{page}");
    assert!(page.contains("kernels: nothing to tell from these figures"), "what has none goes on: {page}");
}

#[test]
fn speeds_count_where_results_are_right() {
    let Some(page) = page("True", "[0.97]") else { return };
    assert!(page.contains("- Checks: 1 of 1 passed.") && page.contains("97.00 %"), "{page}");
    assert!(page.contains("The forms at 128×784×300: matmul_large 40 GFLOP/s."), "{page}");
    assert!(page.contains("5,000,000 and 5,000,000, before and after the others"), "{page}");
    assert!(!page.contains("does not count"), "{page}");
}

#[test]
fn a_check_that_did_not_end_accuses_nobody() {
    let Some(page) = page("None", "[0.97]") else { return };
    assert!(page.contains("- Checks: 0 of 0 passed. 1 took too long.\n"), "{page}");
    assert!(!page.contains("wrong results") && !page.contains("does not count"), "{page}");
}
