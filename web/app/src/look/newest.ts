import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

/** Runs what it is given, one at a time and at most one every `every` milliseconds; of those that wait only the newest runs. */
export function newestWins(every: number): (work: () => Promise<void>) => void {
  let waiting: (() => Promise<void>) | null = null;
  let busy = false;
  return (work) => {
    waiting = work;
    if (busy) return;
    busy = true;
    void (async () => {
      while (waiting) {
        const next: () => Promise<void> = waiting;
        waiting = null;
        const begun = performance.now();
        await next();
        await new Promise((done) => setTimeout(done, Math.max(0, begun + every - performance.now())));
      }
      busy = false;
    })();
  };
}

export interface Asked<T> {
  value: ReadonlySignal<T | null>;
  error: ReadonlySignal<string | null>;
}

/**
 * What `ask` answers, asked again when one of `because` changes, though at most every `every` milliseconds. An old answer stays until
 * the new one is there.
 */
export function useNewest<T>(every: number, ask: () => Promise<T> | null, because: unknown[]): Asked<T> {
  const [state] = useState(() => ({ schedule: newestWins(every), value: signal<T | null>(null), error: signal<string | null>(null), gone: false }));
  useEffect(() => {
    state.gone = false;
    return () => {
      state.gone = true;
    };
  }, []);
  useEffect(() => {
    state.schedule(async () => {
      if (state.gone) return;
      try {
        const answer = await ask();
        state.value.value = answer;
        state.error.value = null;
      } catch (error) {
        state.value.value = null;
        state.error.value = error instanceof Error ? error.message : String(error);
      }
    });
  }, because);
  return state;
}
