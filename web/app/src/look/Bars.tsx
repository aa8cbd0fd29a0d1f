import type { DataInfo } from "../engine/types";
import { percent, readable } from "../shared/numbers";

/** As many as are legible. */
const MOST = 12;

interface Props {
  outputs: number[];
  names: string[];
  task: DataInfo["task"];
  /** The right class, if it is known. */
  actual?: number | null;
  /** The right numbers, or labels as 0 and 1, if they are known. */
  targets?: number[] | null;
}

/** A network's answer: probabilities as bars, or numbers of a regression. Of very many classes the likeliest are shown. */
export function Bars({ outputs, names, task, actual = null, targets = null }: Props) {
  const rows = outputs.map((value, i) => ({ i, value, name: names[i] ?? String(i) }));
  const shown = rows.length <= MOST ? rows : [...rows].sort((a, b) => b.value - a.value).slice(0, MOST);
  const best = outputs.indexOf(Math.max(...outputs));
  if (task === "regression") {
    return (
      <dl class="numbers">
        {shown.map(({ i, name, value }) => (
          <div key={i}>
            <dt>{names.length > 0 ? name : outputs.length === 1 ? "Predicted" : `Output ${i + 1}`}</dt>
            <dd>
              {readable(value)}
              {targets && <span class="muted"> actual {readable(targets[i])}</span>}
            </dd>
          </div>
        ))}
      </dl>
    );
  }
  return (
    <>
      <ul class="bars" aria-label="Probabilities">
        {shown.map(({ i, name, value }) => (
          <li key={i} class={i === best ? "best" : ""}>
            <span class="bar-name">
              {name}
              {(i === actual || targets?.[i] === 1) && <span class="actual"> actual</span>}
            </span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${100 * value}%` }} />
            </span>
            <span class="bar-value">{percent(value)}</span>
          </li>
        ))}
      </ul>
      {shown.length < rows.length && (
        <p class="small muted">
          The {MOST} likeliest of {rows.length} are shown.
        </p>
      )}
    </>
  );
}
