//! The right lines in languages with loops, run where the language is: each must give the tensor that a right network has.

use super::innocent::network::file;
use super::innocent::style::{Dropout, Rule, Style, pick, style};
use gpu_mlp::doctor::file::npy::{Array, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::{self, Language, Options};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// A line, and the right network that it belongs to.
struct Case {
    seed: u64,
    sizes: Vec<usize>,
    n: usize,
    tensor: String,
    code: String,
    right: Entries,
}

fn numbers(value: &Value) -> &Array {
    let Value::Numbers(array) = value else { panic!("{value:?}") };
    array
}

fn cases(language: Language) -> Vec<Case> {
    let networks = std::env::var("GPU_MLP_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let cases: Vec<Case> = (0..networks).filter_map(|seed| case(seed, language)).collect();
    assert!(cases.len() as u64 * 10 > networks * 8, "only {} lines", cases.len());
    cases
}

/// A network of any design, with a usual optimiser and perhaps dropout, and the line for a tensor of it that was spoilt.
fn case(seed: u64, language: Language) -> Option<Case> {
    let Style { design, sizes, n, mean, loss, .. } = style(seed);
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let rule = pick(rng, &[Rule::Plain, Rule::Plain, Rule::Momentum, Rule::Adam]);
    let plain = rule == Rule::Plain;
    let usual = Style::plain(seed);
    let style = Style {
        design,
        sizes: sizes.clone(),
        n,
        mean: if plain { mean } else { 0 },
        ascent: plain && usual.ascent,
        loss,
        rule,
        dropout: pick(rng, &[Dropout::None, Dropout::None, Dropout::Said, Dropout::Scaled]),
        single: false,
        ..usual
    };
    let mut right = file(seed, &style);
    // As programs with vectors save them: biases and labels, or whatever has one row or one column.
    let flattened = |name: &str| match seed % 4 {
        0 => is_vector(name),
        1 => !is_number(name),
        _ => false,
    };
    for (_, value) in right.iter_mut().filter(|(name, _)| flattened(name)) {
        let Value::Numbers(array) = value else { continue };
        if array.is_flat() {
            array.shape = vec![array.data.len()];
        }
    }
    let computed = |key: &&String| {
        let begins = key.starts_with(['z', 'a', 'd', 'p', 'v', 'm', 's']) && !key.ends_with("_prev");
        !key.starts_with("mask") && (begins || key.ends_with("_new"))
    };
    let many = |key: &&String| numbers(&right[*key]).data.len() > 3;
    let mut tensors: Vec<&String> = right.keys().filter(computed).filter(many).collect();
    let loss = "loss".to_owned();
    tensors.extend([&loss; 2]);
    let tensor = tensors.choose(rng)?.to_string();
    let mut wrong = right.clone();
    let Some(Value::Numbers(array)) = wrong.get_mut(&tensor) else { panic!() };
    array.data.iter_mut().for_each(|value| *value *= 1.0 + 0.2 * rng.random::<f64>());
    let report = doctor::examine(&wrong, &Options { language, ..Options::default() }).unwrap();
    let finding = report.findings.iter().find(|finding| finding.tensor.to_string() == tensor)?;
    let code = finding.right.as_ref()?.code.clone();
    Some(Case { seed, sizes, n, tensor, code, right })
}

/// Whether programs have an array as a vector.
fn is_vector(name: &str) -> bool {
    name == "y" || name.trim_start_matches(['d', 'v', 'm', 's']).starts_with('b')
}

/// Whether programs have it as one number.
fn is_number(name: &str) -> bool {
    ["loss", "lr", "momentum", "drop_p"].contains(&name) || name.starts_with("adam")
}

impl Case {
    /// The arrays that the line uses, and the one that it makes.
    fn arrays(&self) -> impl Iterator<Item = (&String, &Array)> {
        let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
        let words: Vec<&str> = self.code.split(|letter| !inside(letter)).collect();
        self.right
            .iter()
            .filter(move |(name, _)| words.contains(&name.as_str()))
            .map(|(name, value)| (name, numbers(value)))
    }

    /// `N = 37, n0 = 6, …`
    fn sizes(&self) -> String {
        let units = self.sizes.iter().enumerate().map(|(l, size)| format!(", n{l} = {size}"));
        format!("N = {}{}", self.n, units.collect::<String>())
    }

    /// The dimensions that an array has in a program that saves it as text.
    fn dimensions(&self, name: &str, array: &Array, columns_too: bool) -> Vec<usize> {
        let flat = matches!(array.shape.as_slice(), [1, _])
            || columns_too && matches!(array.shape.as_slice(), [_, 1]);
        match () {
            () if is_number(name) => Vec::new(),
            () if is_vector(name) && flat => vec![array.data.len()],
            () => array.shape.clone(),
        }
    }
}

/// Nested lists of an array's values, or of zeros.
fn list(dimensions: &[usize], data: &[f64], brackets: [&str; 2]) -> String {
    let Some((&length, inner)) = dimensions.split_first() else { return format!("{:?}", data[0]) };
    let each = data.chunks(data.len() / length.max(1)).map(|part| list(inner, part, brackets));
    format!("{}{}{}", brackets[0], each.collect::<Vec<_>>().join(","), brackets[1])
}

/// `Φ(z)`, by a series of positive terms, in the words that all three languages share.
fn phi(function: &str, variable: &str, exp: &str) -> String {
    format!(
        "{function} {{ {variable} t = z, s = z; {variable} n = 3; while (t * t > 1e-40) {{ t *= z * z / n; s += t; n += 2; }} \
         return 0.5 + {exp}(-z * z / 2) * s / 2.5066282746310002; }}\n"
    )
}

fn ran(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let Ok(output) = Command::new(program).args(arguments).current_dir(folder).output() else {
        eprintln!("skipped: there is no {program}");
        return false;
    };
    let [said, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success() && said.trim().is_empty(), "{said}{errors}");
    true
}

#[test]
fn lines_of_javascript_give_the_right_numbers() {
    let mut program = phi("function phi(z)", "let", "Math.exp");
    program += "const gelu = (z) => z * phi(z);\n\
        const gelu_derivative = (z) => phi(z) + z * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);\n\
        function check(what, got, want) {\n\
          [got, want] = [[got].flat(9), [want].flat(9)];\n\
          const most = Math.max(...want.map(Math.abs));\n\
          const off = Math.max(...want.map((w, i) => Math.abs(w - got[i])));\n\
          if (!(off < 1e-8 * most) || got.length != want.length) console.log(what, off);\n}\n";
    for case in cases(Language::JavaScript) {
        let _ = writeln!(program, "{{\nconst {};", case.sizes());
        for (name, array) in case.arrays() {
            let dimensions = if is_number(name) { Vec::new() } else { array.shape.clone() };
            let zeros = vec![0.0; array.data.len()];
            let data = if *name == case.tensor { &zeros } else { &array.data };
            let _ = writeln!(program, "let {name} = {};", list(&dimensions, data, ["[", "]"]));
        }
        let right = numbers(&case.right[&case.tensor]);
        let want = list(&[right.data.len()], &right.data, ["[", "]"]);
        let what = format!("{} {}", case.seed, case.code);
        let _ = writeln!(program, "{}\ncheck({what:?}, {}, {want});\n}}", case.code, case.tensor);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines.js"), program).unwrap();
    ran("node", &["lines.js"], folder.path());
}

#[test]
fn lines_of_c_give_the_right_numbers() {
    let mut program = "#include <math.h>\n#include <stdio.h>\n".to_owned();
    program += &phi("double phi(double z)", "double", "exp");
    program += "double gelu(double z) { return z * phi(z); }\n\
        double gelu_derivative(double z) { return phi(z) + z * exp(-z * z / 2) / sqrt(2 * M_PI); }\n\
        void check(const char *what, const double *got, const double *want, int n) {\n\
          double most = 0, off = 0;\n\
          for (int i = 0; i < n; i++) { most = fmax(most, fabs(want[i])); off = fmax(off, isnan(got[i]) ? INFINITY : fabs(want[i] - got[i])); }\n\
          if (!(off < 1e-8 * most)) printf(\"%s %g\\n\", what, off);\n}\n";
    let mut calls = String::new();
    for case in cases(Language::C) {
        let _ = writeln!(calls, "case{}();", case.seed);
        let _ = writeln!(program, "void case{}(void) {{\nint {};", case.seed, case.sizes());
        for (name, array) in case.arrays() {
            let dimensions = case.dimensions(name, array, true);
            let sides: String = dimensions.iter().map(|side| format!("[{side}]")).collect();
            let zeros = vec![0.0; array.data.len()];
            let data = if *name == case.tensor { &zeros } else { &array.data };
            let _ = writeln!(program, "double {name}{sides} = {};", list(&dimensions, data, ["{", "}"]));
        }
        let right = numbers(&case.right[&case.tensor]);
        let want = list(&[right.data.len()], &right.data, ["{", "}"]);
        let what = format!("{} {}", case.seed, case.code);
        let count = right.data.len();
        let got = if is_number(&case.tensor) {
            format!("&{}", case.tensor)
        } else {
            format!("(double *) {}", case.tensor)
        };
        let _ = writeln!(
            program,
            "double want[] = {want};\n{}\ncheck({what:?}, {got}, want, {count});\n}}",
            case.code
        );
    }
    let _ = writeln!(program, "int main(void) {{\n{calls}return 0;\n}}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines.c"), program).unwrap();
    if ran("cc", &["-w", "lines.c", "-o", "lines", "-lm"], folder.path()) {
        ran(folder.path().join("lines").to_str().unwrap(), &[], folder.path());
    }
}

/// Its arrays come from a file: a class of Java cannot hold so many constants.
#[test]
fn lines_of_java_give_the_right_numbers() {
    let (mut data, mut program, mut calls) = (String::new(), String::new(), String::new());
    for case in cases(Language::Java) {
        let _ = writeln!(calls, "case{}();", case.seed);
        let _ = writeln!(program, "static void case{}() {{\nint {};", case.seed, case.sizes());
        for (name, array) in case.arrays() {
            let dimensions = case.dimensions(name, array, false);
            let zeros = vec![0.0; array.data.len()];
            let own = if *name == case.tensor { &zeros } else { &array.data };
            let sides = [0, 1].map(|side| array.shape.get(side).copied().unwrap_or(1));
            let values: Vec<String> = own.iter().map(|value| format!("{value:?}")).collect();
            let _ = writeln!(data, "{}\n{}\n{}", sides[0], sides[1], values.join("\n"));
            let read =
                ["double {} = next()[0][0];", "double[] {} = vector(next());", "double[][] {} = next();"];
            let _ = writeln!(program, "{}", read[dimensions.len()].replace("{}", name));
        }
        let right = numbers(&case.right[&case.tensor]);
        let values: Vec<String> = right.data.iter().map(|value| format!("{value:?}")).collect();
        let _ = writeln!(data, "1\n{}\n{}", values.len(), values.join("\n"));
        let what = format!("{} {}", case.seed, case.code);
        let _ = writeln!(program, "{}\ncheck({what:?}, {}, vector(next()));\n}}", case.code, case.tensor);
    }
    let phi = phi("static double phi(double z)", "double", "Math.exp");
    let program = format!(
        "public class Lines {{
static java.util.Iterator<String> lines;
static double[][] next() {{
  double[][] m = new double[Integer.parseInt(lines.next())][Integer.parseInt(lines.next())];
  for (double[] row : m) for (int j = 0; j < row.length; j++) row[j] = Double.parseDouble(lines.next());
  return m;
}}
static double[] vector(double[][] m) {{ return java.util.Arrays.stream(m).flatMapToDouble(java.util.Arrays::stream).toArray(); }}
{phi}static double gelu(double z) {{ return z * phi(z); }}
static double gelu_derivative(double z) {{ return phi(z) + z * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI); }}
static void check(String what, double got, double[] want) {{ check(what, new double[] {{got}}, want); }}
static void check(String what, double[][] got, double[] want) {{ check(what, vector(got), want); }}
static void check(String what, double[] got, double[] want) {{
  double most = 0, off = 0;
  for (int i = 0; i < want.length; i++) {{ most = Math.max(most, Math.abs(want[i])); off = Math.max(off, Math.abs(want[i] - got[i])); }}
  if (!(off < 1e-8 * most)) System.out.println(what + \" \" + off);
}}
{program}
public static void main(String[] a) throws Exception {{
lines = java.nio.file.Files.readAllLines(java.nio.file.Paths.get(\"data\")).iterator();
{calls}}}
}}
"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Lines.java"), program).unwrap();
    std::fs::write(folder.path().join("data"), data).unwrap();
    ran("java", &["Lines.java"], folder.path());
}
