"""The Markdown of a run: who ran on what, how fast, and whether the work was the same."""
from statistics import median


def grid(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def ratio(value):
    return f"{value:.0f}x" if value >= 9.95 else f"{value:.1f}x" if value >= 0.995 else f"{value:.2f}x"


def cells_of(records):
    """{row: {batch: [records]}} of the lines that measured something, and {row: {batch: error}} of the others."""
    good, bad = {}, {}
    for record in records:
        kind = bad if "error" in record else good
        cell = kind.setdefault(record["row"], {})
        if "error" in record:
            cell[record["batch"]] = record["error"]
        else:
            cell.setdefault(record["batch"], []).append(record)
    return good, bad


def speed(record_list):
    return median(r["samples_per_second"] for r in record_list)


def speed_cell(row, batch, good, bad):
    if batch not in good.get(row.name, {}):
        return bad.get(row.name, {}).get(batch, "not run")
    runs = good[row.name][batch]
    all_of_them = [r["samples_per_second"] for r in runs]
    text = f"{median(all_of_them):,.0f} ({min(all_of_them):,.0f} – {max(all_of_them):,.0f})"
    ours = good.get(row.rival, {}).get(batch)
    return f"**{ratio(speed(ours) / speed(runs))}** {text}" if ours else text


def work_cells(row, batch, good):
    runs = good.get(row.name, {}).get(batch)
    if not runs:
        return None
    middle = lambda key: median(r[key] for r in runs)
    return [row.name, runs[0]["version"], f"{middle('epochs'):.2f}", f"{middle('samples_seen'):,.0f}",
            f"{middle('test_loss'):.3f}", f"{100 * middle('test_accuracy'):.2f} %", f"{middle('warm_up_seconds'):.1f}"]


def disturbance(records):
    """A sentence on how much of the CPU other processes took from what was measured."""
    shares = [r["others"] for r in records if "error" not in r and r.get("others") is not None]
    if not shares:
        return "How much of the CPU other processes took is not known."
    text = f"Other processes took {100 * median(shares):.0f} % of the CPU meanwhile (at most {100 * max(shares):.0f} %)."
    return text if max(shares) <= 0.1 else f"**{text} These figures are disturbed: run it again on a quiet machine.**"


def markdown(machine, records, rows, batches, command, date):
    good, bad = cells_of(records)
    repetitions = max((len(runs) for cells in good.values() for runs in cells.values()), default=0)
    lines = [
        f"{date}: {machine['cpu']}, {machine['cores']} cores; {machine['system']}; adapter: {machine['adapter']}"
        + (" (software)" if machine["software_adapter"] else "") + (f"; {machine['nvidia']}" if machine["nvidia"] else "")
        + f". gpu-mlp {machine['gpu-mlp']}, Python {machine['python']}. Made by:", "", "```sh", command, "```", "",
        f"Samples a second in training: median of {repetitions} repetition{'s' * (repetitions != 1)} (lowest – highest), all rows"
        " in turn within each. **Bold** is how many times as fast the row named last is: where that is gpu-mlp's, above 1 gpu-mlp wins,"
        f" below 1 it loses. {disturbance(records)}", "",
    ]
    lines += grid(["", *(f"batch {batch}" for batch in batches), "compared with"], [
        [row.name, *(speed_cell(row, batch, good, bad) for batch in batches), row.rival or "–"] for row in rows])
    shown = 128 if 128 in batches else batches[0]
    work = [cells for row in rows if (cells := work_cells(row, shown, good))]
    lines += ["", f"The same work, at batch {shown}: epochs measured, samples seen by then (warm-up included), the test set after"
              " them, and the seconds of compiling and warming up, which are not counted.", ""]
    header = ["", "version", "epochs", "samples seen", "test loss", "test accuracy", "warm-up, s"]
    return "\n".join(lines + grid(header, work)) + "\n"
