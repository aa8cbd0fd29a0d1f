"""The page of scripts/gpu-check: what there is, what passed, and a verdict in words on every row."""
from table import grid, ratio


def flops(layers):
    """Floating-point operations a sample: forward, weight gradients, and input gradients of all but the first layer."""
    products = [i * o for i, o in zip(layers, layers[1:])]
    return 2 * (3 * sum(products) - products[0])


def compared(name, value):
    """Our speed by another's, in words."""
    if value >= 1.05:
        return f"ahead of {name} {value:.0f} times" if value >= 9.95 else f"ahead of {name} {value:.1f} times"
    return f"level with {name} ({value:.2f})" if value >= 0.95 else f"behind {name} ({value:.2f})"


def speed_of(row):
    return row.get("samples_per_second") if row else None


def told(value, form):
    """A number in a cell: a device that computes nonsense may have none."""
    return form.format(value) if isinstance(value, (int, float)) else "–"


def percent(value):
    return told(value, "{:.2%}").replace("%", " %")


def nonsense(row):
    """Why a row's speed does not count, or None: what it trained has learned nothing, as on a GPU that computes nothing. There
    are ten classes."""
    accuracy = row.get("test_accuracy")
    learned = isinstance(accuracy, (int, float)) and accuracy > 0.15
    return None if learned else f"wrong results: test accuracy {percent(accuracy)}. This speed does not count"


def verdict(row, ours):
    """What a row of training says about gpu-mlp; `ours` is its plain row."""
    if why := nonsense(row):
        return why
    speed, plain = speed_of(row), speed_of(ours)
    if row is ours:
        runs = row["runs"]
        apart = max(runs) / min(runs) - 1
        told = " and ".join(f"{run:,.0f}" for run in runs)
        note = f"not again: {row['again']}" if "again" in row else "before and after the others" if len(runs) > 1 else "before the others"
        return f"{told}, {note}" + (f"; {100 * apart:.0f} % apart, so unsteady" if apart > 0.1 else "")
    if not plain or nonsense(ours):
        return "gpu-mlp has no figure"
    if row["kind"] == "checked":
        return f"checks cost {100 * (1 - speed / plain):.0f} %" if speed < plain else "checks cost nothing"
    if row["kind"] == "f16":
        return f"{speed / plain:.2f} times f32"
    return compared(row["name"], plain / speed)


def unmeasured(row):
    return row.get("error") or row.get("skipped")


def training(group):
    """One network's table; the ratio is gpu-mlp's throughput by the row's."""
    ours = next((row for row in group["rows"] if row["kind"] == "ours" and not unmeasured(row)), None)
    rows = []
    for row in group["rows"]:
        if why := unmeasured(row):
            rows.append([row["name"], *["–"] * 6, why])
            continue
        speed, compares = speed_of(row), ours and not (nonsense(ours) or nonsense(row))
        rows.append([f"{row['name']} {row['version']}", f"{speed:,.0f}", f"{flops(group['layers']) * speed / 1e12:.2f}",
                     ratio(speed_of(ours) / speed) if compares else "–", f"{row['samples_seen']:,}", told(row["test_loss"], "{:.3f}"),
                     percent(row["test_accuracy"]), verdict(row, ours)])
    header = ["", "samples/s", "TFLOP/s", "gpu-mlp is", "samples seen", "test loss", "test accuracy", "verdict"]
    return ["## " + title(group), "", *grid(header, rows), "", *clocks(group)]


def title(group):
    return f"{'-'.join(map(str, group['layers']))}, batch {group['batch']:,}"


def clocks(group):
    """Clock and power of the rows that were watched."""
    rows = []
    for row in group["rows"]:
        if found := row.get("watch"):
            spread = lambda key: " / ".join(f"{value:,.0f}" for value in found[key])
            held = found["held_back"]
            told = "reasons not told" if held is None else "held back by " + ", ".join(held) if held else "not held back"
            rows.append([row["name"], str(found["samples"]), spread("mhz"), spread("watts"), told])
    header = ["GPU meanwhile: lowest / median / highest", "samples", "MHz", "W", "verdict"]
    return [*grid(header, rows), ""] if rows else []


def kind_of(kernel):
    """Which of a layer's three products a kernel of gpu-mlp computes: forward, backward or update."""
    return kernel["kernel"].split(".")[-1].split("_")[0]


def is_product(kernel):
    return len(kernel["shape"]) == 3 and kernel["gflops"] is not None


def kernels(name, bench, products, sound):
    """The kernels of a step, and cuBLAS (what PyTorch multiplies with, on another GPU its BLAS) at the same shapes. No speed counts
    if the checks are not `sound`."""
    lines = [f"## Kernels: {name}", ""]
    if "error" in bench:
        return [*lines, bench["error"], ""]
    device = bench["devices"][0]
    step, peak = device["step"], device["peak"]
    lines += [f"A step takes {told(step['microseconds'], '{:.0f}')} µs: {told(step['samples_per_second'], '{:,.0f}')} samples/s."
              f" Its kernels take {told(step['kernels_microseconds'], '{:.0f}')} µs."]
    if step["host_microseconds"] is not None:
        lines += [f"The host takes {step['host_microseconds']:.0f} µs for {step['launches']} launches."]
    lines += [f"The fastest product of ours does {told(peak['gflops'], '{:,.0f}')} GFLOP/s."]
    if forms := bench.get("forms"):
        lines += [f"The forms at {'×'.join(map(str, forms[0]['shape']))}: "
                  + "; ".join(f"{form['form']} {told(form['gflops'], '{:,.0f}')} GFLOP/s" for form in forms) + "."]
    lines += [""]
    theirs = {(p["kind"], *p["shape"]): p for p in products.get("products", [])}
    rows = []
    for kernel in device["kernels"]:
        other = theirs.get((kind_of(kernel), *kernel["shape"])) if is_product(kernel) else None
        verdict = compared("BLAS", kernel["gflops"] / other["f32"]) if other else "–"
        rows.append([kernel["kernel"], "×".join(map(str, kernel["shape"])), told(kernel["microseconds_per_step"], "{:.1f}"),
                     told(kernel["gflops"], "{:,.0f}"), told(other and other["f32"], "{:,.0f}"),
                     f"{kernel['gflops'] / other['f32']:.2f}" if other else "–", told(other and other["tf32"], "{:,.0f}"),
                     verdict if sound else "checks failed: this speed does not count"])
    header = ["kernel", "batch×inputs×outputs", "µs/step", "GFLOP/s", "BLAS, f32", "share", "BLAS, TF32", "verdict, f32"]
    return [*lines, *grid(header, rows), "", *([products["error"], ""] if "error" in products else [])]


def all_passed(content):
    return not any(check["passed"] is False for check in content["checks"])


def headlines(content):
    """The verdict on the whole: a sentence on each part."""
    checked = [c for c in content["checks"] if c["passed"] is not None]
    passed = f"Checks: {sum(c['passed'] for c in checked)} of {len(checked)} passed."
    if unfinished := len(content["checks"]) - len(checked):
        passed += f" {unfinished} took too long."
    if not content["checks"]:
        lines = ["- Nothing was checked."]
    else:
        lines = [f"- {passed}" if all_passed(content) else f"- **{passed} This adapter computes wrong results, or none.**"]
    for group in content["groups"]:
        ours = group["rows"][0]
        if why := unmeasured(ours):
            lines.append(f"- {title(group)}: gpu-mlp {why}.")
            continue
        others = [row for row in group["rows"][1:] if not unmeasured(row)]
        if why := nonsense(ours):
            lines.append(f"- {title(group)}: {speed_of(ours):,.0f} samples/s; {why}.")
            continue
        said = "; ".join(verdict(row, ours) if row["kind"] == "peer" else f"{row['name']}: {verdict(row, ours)}" for row in others)
        lines.append(f"- {title(group)}: {speed_of(ours):,.0f} samples/s; {said or 'nobody to compare with'}.")
    held = [f"{row['name']} ({', '.join(row['watch']['held_back'])})" for group in content["groups"] for row in group["rows"]
            if (row.get("watch") or {}).get("held_back")]
    lines += [f"- The GPU was held back in: {'; '.join(held)}."] if held else []
    return lines + [f"- {note}" for note in content["notes"]]


def part(make, *of):
    """Lines of the page. What a device that computes nonsense says may be of no use; the rest of the page is."""
    try:
        return make(*of)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        return [f"- {make.__name__}: nothing to tell from these figures ({type(error).__name__}: {error})", ""]


def markdown(content):
    machine, checked = content["machine"], content["checks"]
    lines = ["# gpu-check", ""]
    if machine["software_adapter"]:
        lines += ["**This is a software adapter: a CPU computes. These figures say nothing about a GPU.**", ""]
    if content["missing"]:
        lines += [f"**{content['missing']}**", ""]
    lines += ["## Verdict", "", *part(headlines, content), "", "## Machine", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items() if value not in ("", None)]
    for a in content["adapters"]:
        compute = "compute shaders" if a["compute"] else "no compute shaders"
        lines += [f"- adapter {a['index']}: {a['name']}; {a['backend']}, {a['device_type']}, driver {a['driver']}; {compute}"]
    lines += [f"- time of this report: {content['seconds']} s", ""]
    if checked:
        lines += ["## Checks", "", *grid(["", "seconds", "result"], [[c["name"], str(c["seconds"]), c["result"]] for c in checked]), ""]
    if content["groups"]:
        lines += ["Samples a second in training are the median of all epochs but the first two. \"gpu-mlp is\" is its samples/s by"
                  " the row's: above 1 it is ahead, below 1 behind.", ""]
    for group in sorted(content["groups"], key=lambda group: (flops(group["layers"]), group["batch"])):
        lines += part(training, group)
    for name, bench in content["bench"].items():
        lines += part(kernels, name, bench, content["products"], all_passed(content))
    for c in checked:
        if c["passed"] is False:
            lines += [f"## Output of {c['name']}", "", "```text", c["output"], "```", ""]
    return "\n".join(lines)
