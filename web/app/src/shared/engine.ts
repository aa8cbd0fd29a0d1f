import { openDoctor } from "../engine";
import type { Doctor } from "../engine/engine";

let shared: Promise<Doctor> | undefined;

/** The doctor that all pages share, for what takes a moment. */
export function sharedDoctor(): Promise<Doctor> {
  shared ??= openDoctor().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}
