import { useEffect, useRef, useState } from "preact/hooks";
import { openDoctor } from "../engine";
import type { Doctor } from "../engine/engine";
import type { ReplayCurve, ReplayPlan, ReplayPoint, ReplayRequest } from "../engine/types";
import { Curves } from "./Curves";
import type { Series } from "./Curves";
import { ErrorBox } from "./ErrorBox";
import { percent, readable } from "./numbers";

export interface Replay {
  request: ReplayRequest;
  plan: ReplayPlan | null;
  /** The points so far, training by training. */
  points: ReplayPoint[][];
  /** When all is done. */
  curves: ReplayCurve[] | null;
  running: boolean;
  error?: unknown;
}

/** Trains right and wrong in a worker of its own. It ends with the page that shows it. */
export function useReplay() {
  const [replay, setReplay] = useState<Replay | null>(null);
  const worker = useRef<Promise<Doctor> | null>(null);

  function end() {
    void worker.current?.then((engine) => engine.close()).catch(() => {});
    worker.current = null;
  }
  useEffect(() => end, []);

  async function start(request: ReplayRequest): Promise<ReplayCurve[] | null> {
    end();
    const mine = (worker.current = openDoctor());
    const current = () => worker.current === mine;
    let now: Replay = { request, plan: null, points: [], curves: null, running: true };
    const show = (change: Partial<Replay>) => {
      if (!current()) return;
      now = { ...now, ...change };
      setReplay(now);
    };
    show({});
    try {
      const engine = await mine;
      const plan = await engine.plan(request);
      show({ plan, points: plan.labels.map(() => []) });
      const curves = await engine.replay(request, (training, point) =>
        show({ points: now.points.map((points, i) => (i === training ? [...points, point] : points)) }),
      );
      show({ curves, points: curves.map(({ points }) => points), running: false });
      return current() ? curves : null;
    } catch (error) {
      show({ error, running: false });
      return null;
    } finally {
      if (current()) end();
    }
  }

  function stop() {
    end();
    setReplay((replay) => replay && { ...replay, running: false });
  }

  return { replay, start, stop };
}

/** `784-32-16-10 relu, batch 128, …` */
function setting({ request, plan }: Replay): string {
  const layers = request.hidden.length > 0 ? `hidden layers ${request.hidden.join("-")}` : "no hidden layer";
  return [
    `${layers}, ${request.act}`,
    `batch ${request.batch_size}`,
    ...(plan ? [`learning rate ${plan.lr}`, ...plan.setting] : []),
    `${request.epochs} epochs`,
    `seed ${request.seed}`,
    "on the built-in digits",
  ].join(", ");
}

/** A value of a point; it has none where it is no number any more. */
const number = (value: number | null | undefined) => (value === null ? "NaN" : readable(value));

const differs = (points: ReplayPoint[][]) => points.some((some) => some.some((point) => point.printed_accuracy !== point.accuracy));

/** The curves of a replay while it runs and after it. */
export function ReplayView({ replay }: { replay: Replay }) {
  const { plan, points, curves } = replay;
  const of = (value: (point: ReplayPoint) => number | null): Series[] =>
    (plan?.labels ?? []).map((name, i) => ({
      name,
      x: (points[i] ?? []).map(({ epoch }) => epoch),
      y: (points[i] ?? []).map(value),
    }));
  // The right training is the first one.
  const most = 15 * Math.max(...(points[0] ?? []).map(({ printed_loss }) => printed_loss ?? 0), 0.5);

  return (
    <div class="stack" aria-busy={replay.running}>
      <p class="small muted">{setting(replay)}</p>
      {replay.error !== undefined && <ErrorBox error={replay.error} />}
      {plan && (
        <div class="columns">
          <Curves title="Printed loss" series={of((point) => point.printed_loss)} xName="epochs" most={most} />
          <Curves title="Cross-entropy" series={of((point) => point.loss)} xName="epochs" most={most} />
          <Curves title="Accuracy" series={of((point) => point.accuracy)} xName="epochs" format={percent} />
          {differs(points) && (
            <Curves title="Printed accuracy" series={of((point) => point.printed_accuracy)} xName="epochs" format={percent} />
          )}
        </div>
      )}
      {curves && (
        <div class="scroll" tabIndex={0} role="region" aria-label="The trainings in numbers">
          <table class="small">
            <caption>The trainings in numbers</caption>
            <thead>
              <tr>
                <th scope="col">Training</th>
                <th scope="col" class="number">
                  First printed loss
                </th>
                <th scope="col" class="number">
                  Lowest
                </th>
                <th scope="col" class="number">
                  Last
                </th>
                <th scope="col" class="number">
                  Rise after the lowest
                </th>
                <th scope="col" class="number">
                  Cross-entropy
                </th>
                <th scope="col" class="number">
                  Accuracy
                </th>
              </tr>
            </thead>
            <tbody>
              {curves.map((curve) => {
                const [first, last] = [curve.points[0], curve.points.at(-1)];
                return (
                  <tr key={curve.label}>
                    <th scope="row">{curve.label}</th>
                    <td class="number">{number(first?.printed_loss)}</td>
                    <td class="number">{readable(curve.lowest?.printed_loss)}</td>
                    <td class="number">{curve.diverged === null ? number(last?.printed_loss) : `diverged at epoch ${readable(curve.diverged)}`}</td>
                    <td class="number">{readable(curve.rise)}</td>
                    <td class="number">{number(last?.loss)}</td>
                    <td class="number">{percent(last?.accuracy)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {curves
        ?.filter(({ never_applied }) => never_applied.length > 0)
        .map(({ label, never_applied }) => (
          <p key={label} class="notice warn">
            {never_applied.join(", ")} does not apply to this network, so it changed nothing. Another activation may be what it
            needs.
          </p>
        ))}
    </div>
  );
}
