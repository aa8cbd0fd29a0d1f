"""JAX: a whole epoch is one compiled call, shuffle and `lax.scan` over the batches inside it."""
import functools
import os
import task

o = task.options
os.environ.setdefault("JAX_PLATFORMS", o.backend)
import jax
import jax.numpy as jnp

jax.config.update("jax_default_matmul_precision", "highest" if o.precision == "highest" else "tensorfloat32")
x, y = (jnp.asarray(a) for a in task.data("train"))
n = len(x)
state = {"net": [(jnp.asarray(w), jnp.asarray(b)) for w, b in task.initial()], "key": jax.random.key(o.seed)}


def loss(net, pixels, labels):
    a = pixels
    for w, b in net[:-1]:
        a = jax.nn.relu(a @ w + b)
    log_p = jax.nn.log_softmax(a @ net[-1][0] + net[-1][1])
    return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()


def step(net, rows, x, y):
    return jax.tree.map(lambda p, g: p - task.rate * g, net, jax.grad(loss)(net, x[rows], y[rows]))


@functools.cache
def epoch_of(count):
    def epoch(net, key, x, y):
        order, whole = jax.random.permutation(key, n)[:count], count // o.batch * o.batch
        net, _ = jax.lax.scan(lambda net, rows: (step(net, rows, x, y), None), net, order[:whole].reshape(-1, o.batch))
        return step(net, order[whole:], x, y) if whole < count else net

    return jax.jit(epoch, donate_argnums=0).lower(state["net"], state["key"], x, y).compile()


def train(count):
    state["key"], key = jax.random.split(state["key"])
    state["net"] = jax.block_until_ready(epoch_of(count)(state["net"], key, x, y))


# Each number of samples is compiled for on its own, and tuning for a GPU takes longer than some epochs: it warms up by those.
task.measure("jax", f"{o.backend} scan", n, train, lambda: state["net"], prepare=epoch_of, warm=None if o.backend == "cpu" else n)
