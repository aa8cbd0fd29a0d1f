"""Watches a GPU's clock and power while a row runs, by nvidia-smi or rocm-smi, and says if it was held back."""
import re
import shutil
import subprocess
import threading
import time
from statistics import median

import runner

# Of NVIDIA's reasons for a lower clock those that are no one's wish.
HELD_BACK = {0x4: "power cap", 0x8: "hardware slowdown", 0x20: "heat", 0x40: "heat (hardware)", 0x80: "power brake"}
IDLE = 0x1


def nvidia_query():
    """nvidia-smi's query in the words that this driver knows, or None."""
    for reasons in ("clocks_event_reasons.active", "clocks_throttle_reasons.active"):
        query = ["nvidia-smi", f"--query-gpu=index,clocks.sm,power.draw,{reasons}", "--format=csv,noheader,nounits"]
        if shutil.which("nvidia-smi") and runner.run(query, 30)[0] == 0:
            return query
    return None


def nvidia_sample(line):
    """(GPU, MHz, W, reasons) of a line, or None: what a GPU does not tell reads "[N/A]"."""
    try:
        gpu, clock, power, reasons = (word.strip() for word in line.split(","))
        return gpu, float(clock), float(power), int(reasons, 16)
    except ValueError:
        return None


def rocm_samples(text):
    """The same of rocm-smi, which tells no reasons: `GPU[0] : sclk clock level: 1: (1700Mhz)`, `GPU[0] : … Power (W): 35.0`."""
    clocks = dict(re.findall(r"(GPU\[\d+\]).*sclk.*?\((\d+)\s*Mhz\)", text, re.IGNORECASE))
    powers = dict(re.findall(r"(GPU\[\d+\]).*Power \(W\):\s*([\d.]+)", text))
    return [(gpu, float(clocks[gpu]), float(powers[gpu]), None) for gpu in clocks.keys() & powers.keys()]


class Watch:
    """With it, samples are taken twice a second if they are wanted; `found` has what they say of the GPU that took most power, or None."""

    def __init__(self, nvidia, wanted):
        self.nvidia, self.wanted = nvidia, wanted
        self.samples, self.found, self.stop = [], None, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(10)
        self.found = summary(self.samples)

    def sample(self):
        if not self.wanted:
            return
        if self.nvidia:
            process = subprocess.Popen([*self.nvidia, "--loop-ms=500"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            threading.Thread(target=lambda: (self.stop.wait(), process.terminate()), daemon=True).start()
            self.samples += filter(None, map(nvidia_sample, process.stdout))
            process.wait()
        elif shutil.which("rocm-smi"):
            while not self.stop.is_set():
                self.samples += rocm_samples(runner.run(["rocm-smi", "--showclocks", "--showpower"], 10)[1])
                time.sleep(0.5)


def summary(samples):
    """Lowest, median and highest clock and power while the GPU worked, and what held it back."""
    working = [s for s in samples if not (s[3] or 0) & IDLE]
    if not working:
        return None
    power = lambda gpu: median(s[2] for s in working if s[0] == gpu)
    busiest = max({s[0] for s in working}, key=power)
    chosen = [s for s in working if s[0] == busiest]
    spread = lambda k: [min(s[k] for s in chosen), median(s[k] for s in chosen), max(s[k] for s in chosen)]
    told = all(s[3] is not None for s in chosen)
    held = [word for bit, word in HELD_BACK.items() if any(s[3] & bit for s in chosen)] if told else None
    return {"samples": len(chosen), "mhz": spread(1), "watts": spread(2), "held_back": held}
