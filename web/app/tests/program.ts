/** The program beside the site: what it says natively is what a tab has to say. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** A path of the repository. */
export const repository = (path: string) => resolve(import.meta.dirname, "../../..", path);


export const PROGRAM = resolve(process.env.GPU_MLP_PROGRAM ?? repository("target/debug/gpu-mlp"));
export const DIST = repository("web/dist");
export const QUESTION = repository("docs/question.npz");

/** SwiftShader's manifest, of the same Chromium as the tab's adapter. */
export const SWIFTSHADER = ["/usr/lib/chromium", "/usr/lib64/chromium-browser", "/opt/google/chrome"]
  .map((folder) => join(folder, "vk_swiftshader_icd.json"))
  .find(existsSync);

/** Runs the program; `accepted` are the exit codes that are no failure. */
export function run(args: string[], { env = {}, accepted = [0] }: { env?: Record<string, string>; accepted?: number[] } = {}): string {
  try {
    return execFileSync(PROGRAM, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  } catch (error) {
    const { status, stdout } = error as { status: number | null; stdout: string };
    if (status !== null && accepted.includes(status)) return stdout;
    throw error;
  }
}

/** An epoch of `metrics.jsonl`. */
export interface Recorded {
  epoch: number;
  train_loss: number;
  train_accuracy: number;
  test_loss: number;
  test_accuracy: number;
  samples_per_second: number;
}

/** The epochs of a `metrics.jsonl`, which has other events, too, if the program wrote it. */
export const recorded = (path: string): Recorded[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter((record) => record.epoch !== undefined && record.train_loss !== undefined);
