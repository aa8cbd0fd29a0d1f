//! Short snippets that export the right keys.

/// NumPy.
pub const NUMPY: &str = r#"import numpy as np
# one batch of N = 37 samples, parameters as they were BEFORE the step; leave out what you do not have
np.savez("dump.npz",
    X=X, y=y, act="relu", lr=lr,
    W1=W1, b1=b1, W2=W2, b2=b2,            # one pair a layer
    z1=z1, a1=a1, z2=z2, p=p, loss=loss,   # forward pass
    dz2=dz2, dW2=dW2, db2=db2, da1=da1, dz1=dz1, dW1=dW1, db1=db1,
    W1_new=W1_new, b1_new=b1_new, W2_new=W2_new, b2_new=b2_new)
"#;

/// PyTorch: tensors of hand-written code; parameters of modules may keep their names.
pub const PYTORCH: &str = r#"import numpy as np
# one batch of N = 37 samples; before the step: keep = {k: v.detach().clone() for k, v in model.named_parameters()}
dump = {k: v.cpu().numpy() for k, v in keep.items()}                      # "0.weight", "fc1.bias", ...
dump |= {k + ".grad": v.grad.cpu().numpy() for k, v in model.named_parameters()}
dump |= {k + "_new": v.detach().cpu().numpy() for k, v in model.named_parameters()}  # after the step
np.savez("dump.npz", X=x.cpu().numpy(), y=y.cpu().numpy(), act="relu", lr=lr,
         p=p.detach().cpu().numpy(), loss=loss.item(), **dump)
"#;

/// Julia, with the NPZ package.
pub const JULIA: &str = r#"using NPZ
# one batch of N = 37 samples (columns are fine), parameters as they were BEFORE the step; labels count from 0
npzwrite("dump.npz", Dict("X" => X, "y" => y .- 1, "lr" => lr,
    "W1" => W1, "b1" => b1, "W2" => W2, "b2" => b2,
    "z1" => z1, "a1" => a1, "z2" => z2, "p" => p, "loss" => loss,
    "dz2" => dz2, "dW2" => dW2, "db2" => db2, "dz1" => dz1, "dW1" => dW1, "db1" => db1,
    "W1_new" => W1_new, "b1_new" => b1_new, "W2_new" => W2_new, "b2_new" => b2_new))
# then: gpu-mlp doctor dump.npz --act relu --language julia
"#;

/// NumPy: every array of a function, under its own name.
pub const LOCALS: &str = r#"# at the end of one step on one batch of N = 37 samples, inside the function that trains (import numpy as np stands above it).
# If it updates in place (W1 -= ...), keep the parameters from before: W1_old = W1.copy() in front of the step.
# Names are yours: the doctor finds out what is what.
np.savez("dump.npz", **{k: v for k, v in locals().items() if isinstance(v, (np.ndarray, np.generic, int, float))})
"#;

/// Matlab and Octave: a folder with a `.csv` for each array.
pub const MATLAB: &str = r#"% one batch of N = 37 samples (columns are fine), parameters as they were BEFORE the step; labels count from 0
mkdir('dump');
keep = @(name, a) dlmwrite(['dump/' name '.csv'], a, 'delimiter', ',', 'precision', 17);
keep('X', X); keep('y', y - 1); keep('lr', lr);
keep('W1', W1); keep('b1', b1); keep('W2', W2); keep('b2', b2);
keep('z1', z1); keep('a1', a1); keep('z2', z2); keep('p', p); keep('loss', loss);
keep('dz2', dz2); keep('dW2', dW2); keep('db2', db2);
keep('da1', da1); keep('dz1', dz1); keep('dW1', dW1); keep('db1', db1);
% then: gpu-mlp doctor dump --act relu --language matlab
"#;

/// JavaScript: nested arrays as JSON.
pub const JAVASCRIPT: &str = r#"// one batch of N = 37 samples, parameters as they were BEFORE the step: arrays of rows; typed arrays as Array.from(a)
require("fs").writeFileSync("dump.json", JSON.stringify({
  X, y, act: "relu", lr,
  W1, b1, W2, b2,
  z1, a1, z2, p, loss,
  dz2, dW2, db2, da1, dz1, dW1, db1,
}));
// in a browser: console.log(JSON.stringify({ ... })), and save the text as dump.json; then: gpu-mlp doctor dump.json --language javascript
"#;

/// Java: a folder with a `.csv` for each array.
pub const JAVA: &str = r#"// one batch of N = 37 samples, parameters as they were BEFORE the step
static void save(String name, double[]... rows) throws java.io.IOException {
    StringBuilder text = new StringBuilder();
    for (double[] row : rows)
        for (int j = 0; j < row.length; j++) text.append(row[j]).append(j + 1 < row.length ? "," : "\n");
    java.nio.file.Files.createDirectories(java.nio.file.Paths.get("dump"));
    java.nio.file.Files.write(java.nio.file.Paths.get("dump", name + ".csv"), text.toString().getBytes());
}
// in your training step:
save("X", X); save("y", y); save("lr", new double[] {lr});
save("W1", W1); save("b1", b1); save("W2", W2); save("b2", b2);
save("z1", z1); save("a1", a1); save("z2", z2); save("p", p); save("loss", new double[] {loss});
save("dz2", dz2); save("dW2", dW2); save("db2", db2);
save("da1", da1); save("dz1", dz1); save("dW1", dW1); save("db1", db1);
// then: gpu-mlp doctor dump --act relu --language java
"#;

/// C: a folder with a `.csv` for each array.
pub const C: &str = r#"/* one batch of N = 37 samples, parameters as they were BEFORE the step; rows one after another in memory */
#include <stdio.h>
#include <sys/stat.h>
void save(const char *name, const double *a, int rows, int cols) {
    char path[256];
    mkdir("dump", 0777); /* _mkdir("dump") of direct.h on Windows */
    snprintf(path, sizeof path, "dump/%s.csv", name);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < rows * cols; i++) fprintf(file, "%.17g%c", a[i], (i + 1) % cols ? ',' : '\n');
    fclose(file);
}
/* in your training step: */
save("X", X, N, n0); save("y", y, N, 1); save("lr", &lr, 1, 1);
save("W1", W1, n0, n1); save("b1", b1, 1, n1); save("W2", W2, n1, n2); save("b2", b2, 1, n2);
save("z1", z1, N, n1); save("a1", a1, N, n1); save("z2", z2, N, n2); save("p", p, N, n2); save("loss", &loss, 1, 1);
save("dz2", dz2, N, n2); save("dW2", dW2, n1, n2); save("db2", db2, 1, n2);
save("da1", da1, N, n1); save("dz1", dz1, N, n1); save("dW1", dW1, n0, n1); save("db1", db1, 1, n1);
/* then: gpu-mlp doctor dump --act relu --language c */
"#;

/// Every snippet by its language.
pub const ALL: [(&str, &str); 8] = [
    ("numpy", NUMPY),
    ("locals", LOCALS),
    ("pytorch", PYTORCH),
    ("julia", JULIA),
    ("matlab", MATLAB),
    ("javascript", JAVASCRIPT),
    ("java", JAVA),
    ("c", C),
];
