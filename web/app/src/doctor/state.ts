import { signal } from "@preact/signals";
import type { Activation, DoctorOptions, Examination, GivenFile, Language } from "../engine/types";
import { root } from "../shared/Drop";
import { sharedDoctor } from "../shared/engine";

/** The options as they stand in the form. */
export interface Form {
  act: Activation | "";
  language: Language;
  tolerance: string;
  /** `theirs=ours` pairs, with commas or line ends between them. */
  map: string;
}

// They outlive the page, so that whoever comes back to it finds the answer again.
export const form = signal<Form>({ act: "", language: "numpy", tolerance: "", map: "" });
export const busy = signal(false);
export const problem = signal<{ error: unknown } | null>(null);
export const answer = signal<{ name: string; examination: Examination } | null>(null);

let given: { name: string; files: GivenFile[] } | null = null;
/** Whether the engine has the given files. */
let added = false;
let latest = 0;

function optionsOf({ act, language, tolerance, map }: Form): DoctorOptions {
  const options: DoctorOptions = { language };
  if (act) options.act = act;
  if (tolerance.trim()) {
    options.tolerance = Number(tolerance);
    if (!(options.tolerance > 0)) throw new Error(`the tolerance is no number above 0: ${tolerance}\nhint: give one such as 1e-6, or nothing`);
  }
  const pairs = map.split(/[,\n]/).filter((pair) => pair.trim());
  if (pairs.length > 0) {
    options.map = pairs.map((pair) => {
      const at = pair.lastIndexOf("=");
      const [theirs, ours] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      if (at < 0 || !theirs || !ours) {
        throw new Error(`names are mapped as THEIRS=OURS, and this is no such pair: ${pair.trim()}\nhint: for example hidden_w=W1`);
      }
      return [theirs, ours];
    });
  }
  return options;
}

/** Examines files under a name for the reader. */
export function examine(name: string, files: GivenFile[]): Promise<void> {
  given = { name, files };
  added = false;
  answer.value = null;
  return examineAgain();
}

/** Examines the same files with the options as they are now. */
export async function examineAgain(): Promise<void> {
  if (!given) return;
  const { name, files } = given;
  const mine = ++latest;
  busy.value = true;
  problem.value = null;
  try {
    const options = optionsOf(form.value);
    const engine = await sharedDoctor();
    if (!added) {
      await engine.clear();
      await engine.add(files);
      if (mine !== latest) return;
      added = true;
    }
    const examination = await engine.examine(root(files), options);
    if (mine === latest) answer.value = { name, examination };
  } catch (error) {
    if (mine !== latest) return;
    problem.value = { error };
    answer.value = null;
  } finally {
    if (mine === latest) busy.value = false;
  }
}

/** Changes options; what was examined is examined again. */
export function change(changed: Partial<Form>): void {
  form.value = { ...form.value, ...changed };
  void examineAgain();
}
