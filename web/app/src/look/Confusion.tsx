import { moves } from "../shared/grid";
import { useRef, useState } from "preact/hooks";
import { HeatMap } from "../shared/HeatMap";
import { percent, readable } from "../shared/numbers";

/** As many classes as a table of numbers can have. */
const MOST = 20;

/** Whether the pointer moved, and not the page below it, as it does when a cell gets the focus. */
const moved = (event: PointerEvent) => event.movementX !== 0 || event.movementY !== 0;

interface Props {
  counts: number[][];
  names: string[];
}

/** How many samples of each actual class were taken for each class. */
export function Confusion({ counts, names }: Props) {
  const table = useRef<HTMLTableElement>(null);
  const [stop, setStop] = useState<[row: number, col: number]>([0, 0]);
  const [near, setNear] = useState<[row: number, col: number] | null>(null);
  const name = (index: number) => names[index] ?? String(index);

  if (counts.length > MOST) {
    return (
      <HeatMap
        caption="samples, actual by predicted"
        rows={counts.length}
        cols={counts.length}
        values={counts.flat()}
        scale="sequential"
        rowName="actual"
        colName="predicted"
        rowLabels={names}
        colLabels={names}
      />
    );
  }

  const ofRow = counts.map((row) => row.reduce((a, b) => a + b, 0));

  function onKeyDown(event: KeyboardEvent) {
    const to = moves(stop, counts.length)[event.key];
    if (!to) return;
    event.preventDefault();
    table.current!.tBodies[0]!.rows[to[0]]?.querySelectorAll("td")[to[1]]?.focus();
  }

  const said = () => {
    if (!near) return "Point at a cell, or move with the arrow keys.";
    const [row, col] = near;
    const count = counts[row]![col]!;
    return `Actual ${name(row)}, predicted ${name(col)}: ${readable(count)} of ${readable(ofRow[row]!)} (${percent(count / (ofRow[row] || 1))})`;
  };

  return (
    <div class="stack tight">
      <div class="scroll">
        <table class="confusion small" role="grid" aria-label="Confusion matrix" ref={table} onKeyDown={onKeyDown} onPointerLeave={(event) => moved(event) && setNear(null)}>
          <caption>Rows: actual. Columns: predicted.</caption>
          <thead>
            <tr>
              <td />
              {counts.map((_, col) => (
                <th key={col} scope="col">
                  {name(col)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {counts.map((line, row) => (
              <tr key={row}>
                <th scope="row">{name(row)}</th>
                {line.map((count, col) => (
                  <td
                    key={col}
                    role="gridcell"
                    class={row === col ? "right" : count > 0 ? "wrong" : "none"}
                    // The square root lets few mistakes be seen; more than 60 % of the colour would make the number illegible.
                    style={{ "--share": `${60 * Math.sqrt(count / (ofRow[row] || 1))}%` }}
                    tabIndex={row === stop[0] && col === stop[1] ? 0 : -1}
                    onFocus={() => {
                      setStop([row, col]);
                      setNear([row, col]);
                    }}
                    onPointerMove={(event) => moved(event) && setNear([row, col])}
                  >
                    {count}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="small" aria-live="polite">
        {said()}
      </p>
    </div>
  );
}
