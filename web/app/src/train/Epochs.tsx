import { download } from "../shared/download";
import type { Score } from "../engine/types";
import { readable } from "../shared/numbers";
import { epochs, type Epoch } from "./session";

/** With two decimals: epochs differ little. */
const share = (value: number | null | undefined) => (value == null ? "-" : `${(100 * value).toFixed(2)} %`);

export const whole = (value: number | null) => readable(value && Math.round(value));

/** Of an epoch that is too short for the browser's clock nothing is known. */
export const speed = ({ seconds, samples_per_second }: Epoch) => seconds < 0.005 ? null : samples_per_second;

/** The most rows that the page holds. */
const MOST = 200;

/** Every epoch, the newest first. */
export function Epochs() {
  const all = epochs.value;
  if (all.length === 0) return null;
  const validation = all.some((epoch) => epoch.validation);
  const accuracy = all.some((epoch) => epoch.train.accuracy !== null || epoch.test.accuracy !== null);
  // A training split is measured while it is trained on, by its loss alone.
  const numbers = all.some((epoch) => epoch.test.rmse !== null);
  const head = (name: string) => (
    <>
      <th scope="col" class="number">{name} loss</th>
      {accuracy && <th scope="col" class="number">{name} accuracy</th>}
      {numbers && name !== "Training" && <th scope="col" class="number">{name} RMSE</th>}
      {numbers && name !== "Training" && <th scope="col" class="number">{name} R²</th>}
    </>
  );
  const cells = (score: Score | null, measured = true) => (
    <>
      <td class="number">{readable(score?.loss)}</td>
      {accuracy && <td class="number">{share(score?.accuracy)}</td>}
      {numbers && measured && <td class="number">{readable(score?.rmse)}</td>}
      {numbers && measured && <td class="number">{readable(score?.r2)}</td>}
    </>
  );
  const metrics = () => all.map(({ record }) => `${JSON.stringify(record)}\n`).join("");
  return (
    <div class="stack tight">
      <div class="scroll epochs" tabIndex={0} role="region" aria-label="Table of epochs">
        <table class="small">
          <caption>{all.length > MOST ? `The last ${MOST} of ${all.length} epochs` : "Epochs"}</caption>
          <thead>
            <tr>
              <th scope="col" class="number">Epoch</th>
              {head("Training")}
              {validation && head("Validation")}
              {head("Test")}
              <th scope="col" class="number">Seconds</th>
              <th scope="col" class="number">Samples/s</th>
            </tr>
          </thead>
          <tbody>
            {all.slice(-MOST).reverse().map((epoch) => (
              <tr key={epoch.epoch}>
                <th scope="row" class="number">{epoch.epoch}</th>
                {cells(epoch.train, false)}
                {validation && cells(epoch.validation)}
                {cells(epoch.test)}
                <td class="number">{epoch.seconds.toFixed(2)}</td>
                <td class="number">{whole(speed(epoch))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="row">
        <button type="button" onClick={() => download("metrics.jsonl", metrics())}>
          Save metrics.jsonl
        </button>
      </div>
    </div>
  );
}
