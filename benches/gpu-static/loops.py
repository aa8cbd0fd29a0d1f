"""Finds the loop with the most multiply-adds in what a compiler wrote: assembly of AMD (ACO), Mesa's NVIDIA (NAK), Intel, and
SASS. Both sides of a branch count. A loop with fewer than LEAST multiply-adds is not that of a product."""

import re

LEAST = 32
FMA = re.compile(r"(v_(dual_)?(fmac|fma|mac|mad|fmaak|fmamk)_f32|ffma|FFMA|mad(\(|$))")


def loop(text):
    """Instructions, and multiply-adds among them, of the loop; None if there is none."""
    found = in_blocks(text) if re.search(r"^block", text, re.M) else in_lines(text)
    counted = [(sum(bool(FMA.match(name)) for name in body), -len(body)) for body in found]
    fma, length = max(counted, default=(0, 0))
    return (-length, fma) if fma >= LEAST else None


def in_lines(text):
    """Loops are what lies between a label and a branch back to it."""
    names, labels, branches = [], {}, []
    for line in text.splitlines():
        sass = re.match(r"\s+/\*([0-9a-f]{4,5})\*/\s+(?:@!?U?P\d+ )?\s*([A-Z][A-Z0-9_.]+)(.*);", line)
        if sass:
            labels[int(sass[1], 16)] = len(names)
            target = re.search(r"0x([0-9a-f]+)", sass[3])
            if sass[2].startswith("BRA") and target:
                branches.append((len(names), int(target[1], 16)))
            names.append(sass[2])
        elif label := re.match(r"(BB\d+|LABEL\d+):", line):
            labels[label[1]] = len(names)
        elif name := re.match(r"\t?(?:\([^)]*\)\s*)?([a-z][a-z0-9_.]*)(?:\([^)]*\))?(\s|$)", line):
            branches += [(len(names), target) for target in re.findall(r"\b(BB\d+|LABEL\d+)", line)]
            names.append(name[1])
    back = [(labels[target], at) for at, target in branches if labels.get(target, at + 1) <= at]
    return [names[start:at + 1] for start, at in back]


def in_blocks(text):
    """Loops are the blocks that reach a branch back and that its target reaches: `block N … {`, instructions, `} -> [N, …]`."""
    names, out, into = {}, {}, {}
    for line in text.splitlines():
        if head := re.match(r"block(?:\.u)? (\d+) ", line):
            block = int(head[1])
            names[block] = []
        elif tail := re.match(r"\} -> \[(.*)\]", line):
            out[block] = [int(next_) for next_ in re.findall(r"\d+", tail[1])]
            for next_ in out[block]:
                into.setdefault(next_, []).append(block)
        elif names:
            body = re.sub(r"^\s*@!?\S+", "", line.split("//")[0]).split("=", 1)[-1].split()
            if body:
                names[block].append(body[0])
    order = {block: place for place, block in enumerate(names)}
    for tail, heads in out.items():
        for head in heads:
            if order[head] > order[tail]:
                continue
            body, open_ = {head}, [tail]
            while open_:
                block = open_.pop()
                if block not in body:
                    body.add(block)
                    open_ += into.get(block, [])
            yield [name for block in body for name in names[block]]
