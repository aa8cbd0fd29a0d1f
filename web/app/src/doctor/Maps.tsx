import { useState } from "preact/hooks";
import type { Beside, Matrix } from "../engine/types";
import { HeatMap, largest } from "../shared/HeatMap";
import { readable } from "../shared/numbers";

function difference({ given, right }: Beside): Matrix {
  return { rows: given.rows, cols: given.cols, values: given.values.map((value, i) => value - right.values[i]!) };
}

/** What a row of a tensor is. */
const rowName = (tensor: string) => (/^[dvms]?W/.test(tensor) ? "input" : /^[dvms]?b/.test(tensor) ? "row" : "sample");

/** A wrong tensor, the right one, and their difference, in colours. */
export function Maps({ beside, names }: { beside: Beside[]; names: (tensor: string) => string }) {
  const [chosen, setChosen] = useState(beside[0]!.tensor);
  const shown = beside.find(({ tensor }) => tensor === chosen) ?? beside[0]!;
  const { given, right, tensor } = shown;
  const off = difference(shown);
  const most = Math.max(largest(given.values), largest(right.values));
  // Rounding alone is no difference that colours should show.
  const mostOff = Math.max(largest(off.values), 1e-9 * most);
  const name = names(tensor);
  const common = { rows: given.rows, cols: given.cols, scale: "diverging", rowName: rowName(tensor), colName: "unit" } as const;

  // The first that is no number is worse than any other.
  let worst = Math.max(off.values.findIndex(Number.isNaN), 0);
  off.values.forEach((value, i) => {
    if (Math.abs(value) > Math.abs(off.values[worst]!)) worst = i;
  });
  const [row, col] = [Math.floor(worst / given.cols), worst % given.cols];

  return (
    <section class="card stack" aria-labelledby="maps">
      <div class="row">
        <h3 id="maps">Given and right, value by value</h3>
        {beside.length > 1 && (
          <label class="row small">
            Tensor
            <select value={tensor} onChange={(event) => setChosen(event.currentTarget.value)}>
              {beside.map(({ tensor }) => (
                <option key={tensor} value={tensor}>
                  {names(tensor)}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <div class="maps" key={tensor}>
        <HeatMap {...common} caption={`${name} as given`} values={given.values} most={most} />
        <HeatMap {...common} caption={`${name} as it should be`} values={right.values} most={most} />
        <HeatMap {...common} caption="Given minus right" values={off.values} most={mostOff} />
      </div>
      <p class="small">
        Furthest off at {given.rows > 1 && `${rowName(tensor)} ${row}, `}unit {col}: {readable(given.values[worst])} is given, {readable(right.values[worst])} is
        right.
      </p>
    </section>
  );
}
