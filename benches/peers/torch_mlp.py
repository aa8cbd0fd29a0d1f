"""PyTorch on the CPU or on a CUDA device: op by op, compiled, or as one replayed CUDA graph a step."""
import task
import torch
import torch.nn.functional as F

o, device = task.options, torch.device(task.options.backend)
torch.set_num_threads(o.threads)
torch.manual_seed(o.seed)
torch.set_float32_matmul_precision(o.precision)
x, y = (torch.from_numpy(a).to(device) for a in task.data("train"))
y, n = y.long(), len(y)

linears = []
for w, b in task.initial():
    linear = torch.nn.Linear(*w.shape)
    linear.weight.data, linear.bias.data = torch.from_numpy(w.T.copy()), torch.from_numpy(b)
    linears += [linear, torch.nn.ReLU()]
net = torch.nn.Sequential(*linears[:-1]).to(device)
sgd = torch.optim.SGD(net.parameters(), lr=task.rate)


def loss_of(pixels, labels):
    return F.cross_entropy(net(pixels), labels)


loss = torch.compile(loss_of, dynamic=False) if o.mode == "compile" else loss_of


def step(rows):
    sgd.zero_grad(set_to_none=True)
    loss(x[rows], y[rows]).backward()
    sgd.step()


def finish():
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def train(count):
    order = torch.randperm(n, device=device)
    for i in range(0, count, o.batch):
        step(order[i:min(i + o.batch, count)])
    finish()


def train_replayed():
    """The step of a whole batch as a CUDA graph, which finds its rows on the device; the last small batch op by op.

    A graph keeps addresses, not tensors: `order` and `rows` live as long as `train` does, which names them. A tensor that is
    let go of after the capture is overwritten by the next one, and the graph reads rows that are none.
    """
    order, rows = torch.randperm(n, device=device), torch.arange(o.batch, device=device)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # PyTorch asks for warm-up steps on a stream of their own before the capture
        for _ in range(3):
            step(order[rows])
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    sgd.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        step(order[rows])
        rows.add_(o.batch)

    def train(count):
        order.copy_(torch.randperm(n, device=device))
        torch.arange(o.batch, out=rows)
        for _ in range(count // o.batch):
            graph.replay()
        if count % o.batch:
            step(order[count - count % o.batch:count])
        finish()

    return train


task.measure("torch", f"{o.backend} {o.mode}", n, train_replayed() if o.mode == "graph" else train,
             lambda: [(l.weight.detach().cpu().numpy().T, l.bias.detach().cpu().numpy()) for l in net[::2]])
