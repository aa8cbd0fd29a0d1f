import type { Engine } from "../engine/engine";

const modules = import.meta.glob<{ openEngine: () => Promise<Engine> }>("../engine/index.ts");

/** A new engine with a worker of its own, for what takes long: `close` ends it. */
export async function openEngine(): Promise<Engine> {
  return (await modules["../engine/index.ts"]!()).openEngine();
}

let shared: Promise<Engine> | undefined;

/** The engine that all pages share, for what takes a moment. */
export function sharedEngine(): Promise<Engine> {
  shared ??= openEngine().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}
