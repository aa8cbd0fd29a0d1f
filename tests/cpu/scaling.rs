//! The tables in docs/scaling.md are those of `scripts/scaling-model`.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_page_has_the_tables_of_the_model() {
    let python = std::env::var("GPU_MLP_PYTHON").unwrap_or_else(|_| "python3".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = match Command::new(&python).arg("scripts/scaling-model").current_dir(root).output() {
        Ok(ran) => ran,
        Err(error) => {
            eprintln!("skipped: {python}: {error}");
            return;
        }
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let printed = String::from_utf8(ran.stdout).unwrap().replace("\r\n", "\n");
    let page = fs::read_to_string(root.join("docs/scaling.md")).unwrap().replace("\r\n", "\n");
    let tables: Vec<&str> = printed.split("\n\n").filter(|text| text.starts_with('|')).collect();
    assert_eq!(tables.len(), 6, "{printed}");
    for table in tables {
        let table = table.trim_end();
        assert!(page.contains(table), "scripts/scaling-model --write brings the page up to date:\n{table}");
    }
}
