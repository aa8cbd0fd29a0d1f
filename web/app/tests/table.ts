/** Numbers from 0 to 1 that are the same every time (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A table of three classes that overlap, as CSV: a training on it gets better for long, and never perfect. */
export function table(rows: number): string {
  const next = numbers(1);
  const lines = Array.from({ length: rows }, (_, i) => {
    const label = i % 3;
    const angle = 2.1 * label + 1.5 * (next() - 0.5);
    const radius = 0.5 + next();
    const values = [radius * Math.cos(angle), radius * Math.sin(angle), next() - 0.5, next() - 0.5].map((value) => value.toFixed(6));
    return `${values.join(",")},${"abc"[label]}`;
  });
  return `${["a", "b", "c", "d", "label"].join(",")}\n${lines.join("\n")}\n`;
}
