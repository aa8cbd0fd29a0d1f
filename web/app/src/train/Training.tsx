import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Curves, type Series } from "../shared/Curves";
import { ErrorBox } from "../shared/ErrorBox";
import { percent, readable } from "../shared/numbers";
import { readData } from "./Data";
import { Epochs, speed, whole } from "./Epochs";
import { readSettings } from "./form";
import * as session from "./session";

/** The training itself: its buttons, where it is, and its curves. */
export function Training() {
  return (
    <section class="card stack" aria-labelledby="training">
      <h2 id="training">Training</h2>
      <Buttons />
      <Where />
      {session.trainError.value && <ErrorBox error={session.trainError.value} />}
      <Diverged />
      <LossAndAccuracy />
      <Epochs />
    </section>
  );
}

/** A button that keeps the focus while it is off, so that the keyboard goes on from it. */
function Act({ primary, off = false, onClick, children }: { primary?: boolean; off?: boolean; onClick: () => unknown; children: string }) {
  return (
    <button type="button" class={primary ? "primary" : undefined} aria-disabled={off} onClick={off ? undefined : onClick}>
      {children}
    </button>
  );
}

function Buttons() {
  const box = useRef<HTMLDivElement>(null);
  const phase = session.phase.value;
  const idle = !session.busy();

  async function begin(waiting: boolean): Promise<boolean> {
    const { settings } = readSettings(session.form.value);
    const info = settings && (await readData());
    if (!settings || !info) {
      // What is wrong stands at its field.
      const wrong = box.current!.closest("main")!.querySelector<HTMLElement>('[aria-invalid="true"]');
      wrong?.focus();
      return false;
    }
    const model = session.from.value === "model" ? session.network.value : null;
    if (model) settings.config.hidden = model.sizes.slice(1, -1);
    await session.start(settings, model ? "model" : "seed", waiting);
    return session.phase.value !== "failed";
  }

  return (
    <div class="row" ref={box}>
      {idle ? (
        <Act primary off={session.reading.value} onClick={() => void begin(false)}>
          Start
        </Act>
      ) : phase === "paused" ? (
        <Act primary onClick={session.resume}>
          Go on
        </Act>
      ) : (
        <Act primary off={phase === "opening"} onClick={session.pause}>
          Pause
        </Act>
      )}
      <Act
        off={phase === "opening" || phase === "running" || session.reading.value}
        onClick={async () => {
          if (!idle || (await begin(true))) await session.step();
        }}
      >
        Step
      </Act>
      <Act off={idle || phase === "opening"} onClick={session.stop}>
        Stop
      </Act>
    </div>
  );
}

/** How far it is. */
function Where() {
  const { phase, opened, progress, epochs, started, done } = session;
  const last = epochs.value.at(-1);
  const state = {
    idle: "Not started.",
    opening: "Opening the device…",
    running: "Running.",
    paused: "Paused.",
    finished: `Finished${last?.test.accuracy != null ? `: test accuracy ${percent(last.test.accuracy)}` : last ? `: test loss ${readable(last.test.loss)}` : ""}.`,
    stopped: "Stopped.",
    failed: "It ended with an error.",
  }[phase.value];
  const changed = useComputed(() => {
    if (!session.busy() || !session.started.value) return false;
    const { settings } = readSettings(session.form.value);
    return JSON.stringify(settings?.config) !== JSON.stringify(session.started.value);
  });
  const total = opened.value?.epochs ?? started.value?.epochs ?? 1;
  const now = progress.value;
  // Whichever is newer says how fast it is.
  const within = now && done.value > (last?.epoch ?? 0) ? now : null;
  const fast = phase.value === "paused" ? null : within ? within.samples_per_second || null : last ? speed(last) : null;
  return (
    <div class="stack tight">
      <p role="status">{state}</p>
      {changed.value && <p class="small muted">Changed settings take effect at the next start.</p>}
      {opened.value && (
        <>
          <progress max={total} value={done.value} aria-label="Progress of the training" />
          <dl class="facts small" aria-label="Where it is">
            <dt>Device</dt>
            <dd>
              {[opened.value.backend, opened.value.adapter].filter(Boolean).join(": ")}
            </dd>
            <dt>Network</dt>
            <dd>
              {opened.value.sizes.join("-")}, {opened.value.parameters.toLocaleString("en")} parameters
            </dd>
            <dt>Epoch</dt>
            <dd>
              {Math.ceil(done.value)} of {total}
              {within && `, ${readable(within.samples)} of ${readable(within.of)} samples, ${readable(within.steps)} steps`}
            </dd>
            <dt>Speed</dt>
            <dd>{fast === null ? "-" : `${whole(fast)} samples/s`}</dd>
          </dl>
        </>
      )}
    </div>
  );
}

/** What a loss says that has run away. */
function Diverged() {
  const { data, epochs, progress } = session;
  const loss = (progress.value ?? epochs.value.at(-1)?.train)?.loss;
  const classes = data.value?.task === "classification" ? data.value.outputs : 0;
  // Who guesses has a cross-entropy of ln(classes); the first steps may have a little more.
  if (loss == null || classes < 2 || loss <= 3 * Math.log(classes)) return null;
  return (
    <p class="notice warn">
      The loss is {readable(loss)}, and guessing has {readable(Math.log(classes))}: the training diverges. A smaller learning rate may help.
    </p>
  );
}

function LossAndAccuracy() {
  const { points, epochs } = session;
  if (points.value.length === 0 && epochs.value.length === 0) {
    return <p class="muted">Its loss and accuracy are drawn here while it runs.</p>;
  }
  const curves = (of: "loss" | "accuracy"): Series[] => {
    const ends = (part: "validation" | "test", name: string, colour: number): Series[] =>
      epochs.value.some((epoch) => epoch[part])
        ? [{ name, x: epochs.value.map((epoch) => epoch.epoch), y: epochs.value.map((epoch) => epoch[part]?.[of] ?? null), colour }]
        : [];
    return [
      { name: "training", x: points.value.map((point) => point.x), y: points.value.map((point) => point[of]), colour: 1 },
      ...ends("validation", "validation", 3),
      ...ends("test", "test", 2),
    ];
  };
  const accuracy = [...points.value, ...epochs.value.map((epoch) => epoch.train)].some((score) => score.accuracy !== null);
  return (
    <div class="columns">
      <Curves title="Loss" series={curves("loss")} xName="epochs" />
      {accuracy && <Curves title="Accuracy" series={curves("accuracy")} xName="epochs" format={percent} />}
    </div>
  );
}
