import { openEngine } from "../engine";
import type { Engine } from "../engine/engine";

export { openEngine };

let shared: Promise<Engine> | undefined;

/** The engine that all pages share, for what takes a moment. */
export function sharedEngine(): Promise<Engine> {
  shared ??= openEngine().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}
