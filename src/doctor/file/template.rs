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
# then: gpu-mlp doctor dump.npz --act relu
"#;
