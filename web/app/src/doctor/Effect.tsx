import type { Activation, ReplayRequest } from "../engine/types";
import { address } from "../shell/route";
import { ReplayView, useReplay } from "../shared/Replay";

const request = (bug: string, act: Activation): ReplayRequest => ({
  bugs: [bug],
  hidden: [32, 16],
  batch_size: 128,
  epochs: 3,
  seed: 1,
  act,
});

/** What a bug does to a training: right and wrong side by side, computed here. */
export function Effect({ bug, replayable }: { bug: string; replayable: true | string }) {
  const { replay, start, stop } = useReplay();

  async function run() {
    const curves = await start(request(bug, "relu"));
    // Some formulas differ from the right one with a bent activation only.
    if (curves?.some(({ never_applied }) => never_applied.length > 0)) await start(request(bug, "tanh"));
  }

  return (
    <section class="card stack" aria-labelledby="effect">
      <h3 id="effect">What this bug does to training</h3>
      {replayable === true ? (
        <>
          <div class="row">
            {replay?.running ? (
              <button type="button" onClick={stop}>
                Stop
              </button>
            ) : (
              <button type="button" class="primary" onClick={() => void run()}>
                See what this bug does to training
              </button>
            )}
            <a href={address("bugs", new URLSearchParams({ bug }))}>With another network, or more bugs</a>
          </div>
          {replay && <ReplayView replay={replay} />}
        </>
      ) : (
        <p>It cannot be replayed: {replayable}.</p>
      )}
    </section>
  );
}
