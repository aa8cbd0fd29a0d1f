"""JAX: a whole epoch is one compiled call, shuffle and `lax.scan` over the batches inside it. Of several networks `vmap` makes one
call for all (`--mode vmap`), or each has its own in turn."""
import functools
import os
import task

o = task.options
os.environ.setdefault("JAX_PLATFORMS", o.backend)
import jax
import jax.numpy as jnp

jax.config.update("jax_default_matmul_precision", "highest" if o.precision == "highest" else "tensorfloat32")
x, y = (jnp.asarray(a) for a in task.data("train"))
n, together = len(x), o.mode == "vmap"
nets = [[(jnp.asarray(w), jnp.asarray(b)) for w, b in task.initial(o.seed + k)] for k in range(o.networks)]
if together:
    nets = [jax.tree.map(lambda *of_each: jnp.stack(of_each), *nets)]
state = {"nets": nets, "key": jax.random.key(o.seed)}


def loss(net, pixels, labels):
    a = pixels
    for w, b in net[:-1]:
        a = jax.nn.relu(a @ w + b)
    log_p = jax.nn.log_softmax(a @ net[-1][0] + net[-1][1])
    return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()


def step(net, rows, x, y):
    return jax.tree.map(lambda p, g: p - task.rate * g, net, jax.grad(loss)(net, x[rows], y[rows]))


def keys_of(key):
    """A key for each call: for all networks at once, or for one."""
    keys = jax.random.split(key, o.networks)
    return [keys] if together else list(keys)


@functools.cache
def epoch_of(count):
    def epoch(net, key, x, y):
        order, whole = jax.random.permutation(key, n)[:count], count // o.batch * o.batch
        net, _ = jax.lax.scan(lambda net, rows: (step(net, rows, x, y), None), net, order[:whole].reshape(-1, o.batch))
        return step(net, order[whole:], x, y) if whole < count else net

    call = jax.vmap(epoch, in_axes=(0, 0, None, None)) if together else epoch
    return jax.jit(call, donate_argnums=0).lower(state["nets"][0], keys_of(state["key"])[0], x, y).compile()


def train(count):
    state["key"], key = jax.random.split(state["key"])
    # One after another: what JAX is not waited for runs beside what follows.
    state["nets"] = [jax.block_until_ready(epoch_of(count)(net, k, x, y)) for net, k in zip(state["nets"], keys_of(key))]


def parameters():
    if o.networks == 1:
        return state["nets"][0]
    return [jax.tree.map(lambda p: p[k], state["nets"][0]) for k in range(o.networks)] if together else state["nets"]


# Each number of samples is compiled for on its own, and tuning for a GPU takes longer than some epochs: it warms up by those.
task.measure("jax", f"{o.backend} {'vmap of a ' * together}scan", n, train, parameters, prepare=epoch_of,
             warm=None if o.backend == "cpu" else n)
