"""tiny-cuda-nn by its PyTorch module. Its networks compute in f16 and have no biases: less work, and another sort of it."""
import task
import tinycudann
import torch
import torch.nn.functional as F

o, device = task.options, torch.device("cuda")
torch.manual_seed(o.seed)
x, y = (torch.from_numpy(a).to(device) for a in task.data("train"))
y, n, width, padded = y.long(), len(y), task.layers[1], 16  # its last layer has sixteen rows

net = tinycudann.Network(task.layers[0], task.layers[-1], {
    "otype": "FullyFusedMLP" if width in (16, 32, 64, 128) else "CutlassMLP", "activation": "ReLU", "output_activation": "None",
    "n_neurons": width, "n_hidden_layers": len(task.layers) - 2,
})
sgd = torch.optim.SGD(net.parameters(), lr=task.rate)


def train(count):
    order = torch.randperm(n, device=device)
    for i in range(0, count, o.batch):
        rows = order[i:min(i + o.batch, count)]
        sgd.zero_grad(set_to_none=True)
        F.cross_entropy(net(x[rows]).float(), y[rows]).backward()
        sgd.step()
    torch.cuda.synchronize()


def parameters():
    """Weights as the others give them: all lie in one row, output by output, layer by layer."""
    flat, place, pairs = net.params.detach().float().cpu().numpy(), 0, []
    for inputs, outputs in zip(task.layers, task.layers[1:]):
        rows = max(outputs, padded)
        pairs.append((flat[place:place + rows * inputs].reshape(rows, inputs)[:outputs].T, 0))
        place += rows * inputs
    return pairs


task.measure("tinycudann", "cuda", n, train, parameters)
