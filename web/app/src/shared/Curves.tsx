import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { css, scheme } from "../shell/theme";
import { readable } from "./numbers";
import "./shared.css";

export interface Series {
  name: string;
  x: number[];
  /** `null` or a number that is none leaves a gap. */
  y: (number | null)[];
  /** Its colour in the palette, 1 to 5; its place in the list without it. */
  colour?: number;
}

export interface CurvesProps {
  /** What is drawn: `loss`. */
  title: string;
  series: Series[];
  /** Of the x axis: `epochs`. */
  xName: string;
  logX?: boolean;
  logY?: boolean;
  format?: (value: number | null) => string;
  /** What is above it is cut off, so that a curve that runs away does not flatten the others. */
  most?: number;
  height?: number;
}

/** The palette again, so that curves can be told apart without colours. */
const DASHES: number[][] = [[], [7, 3], [2, 3], [10, 3, 2, 3], [14, 4]];

const place = (series: Series, index: number) => ((series.colour ?? index + 1) - 1) % DASHES.length;
const finite = (values: (number | null)[]) => values.map((value) => (value !== null && Number.isFinite(value) ? value : null));

/** All series on one x axis. */
function aligned(series: Series[]): uPlot.AlignedData {
  if (series.length === 0) return [[]] as unknown as uPlot.AlignedData;
  return uPlot.join(series.map(({ x, y }) => [x, finite(y)] as uPlot.AlignedData));
}

function yRange(low: number, high: number, most = Infinity): uPlot.Range.MinMax {
  // Without values, or with one alone.
  if (low === null || low === high) return uPlot.rangeNum(low ?? 0, high ?? 1, 0.1, true);
  return uPlot.rangeNum(low, Math.min(high, most), 0.05, true);
}

/** What a curve does, in words. */
function summary({ name, x, y }: Series, xName: string, format: (value: number | null) => string): string {
  const known = finite(y).flatMap((value, index) => (value === null ? [] : [{ value, at: x[index]! }]));
  if (known.length === 0) return `${name}: no values.`;
  const lowest = known.reduce((a, b) => (b.value < a.value ? b : a));
  const highest = known.reduce((a, b) => (b.value > a.value ? b : a));
  const where = ({ value, at }: { value: number; at: number }) => `${format(value)} at ${readable(at)}`;
  return `${name}: from ${where(known[0]!)} to ${where(known.at(-1)!)} ${xName}; lowest ${where(lowest)}, highest ${where(highest)}.`;
}

/** Curves over one x axis. Values stand in the legend: those under the pointer or the arrow keys, or else the last ones. */
export function Curves({ title, series, xName, logX = false, logY = false, format = readable, most, height = 240 }: CurvesProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [at, setAt] = useState<number | null>(null);
  const [byKey, setByKey] = useState(false);

  const data = aligned(series);
  const xs = data[0] as number[];
  const latest = useRef({ data, format, most });
  latest.current = { data, format, most };
  const names = series.map(({ name, colour }) => `${name} ${colour ?? ""}`).join("\n");
  const dark = scheme.value;

  // A new plot if the curves are others, or the colours; otherwise its data are exchanged.
  useLayoutEffect(() => {
    const text = css("--muted");
    const axis = { stroke: text, grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
    const made = new uPlot(
      {
        width: box.current!.clientWidth,
        height,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        scales: { x: { time: false, distr: logX ? 3 : 1 }, y: { distr: logY ? 3 : 1, range: logY ? undefined : (_, low, high) => yRange(low, high, latest.current.most) } },
        axes: [
          { ...axis, label: xName, labelSize: 22, labelGap: 0, size: 34 },
          { ...axis, size: 72, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : latest.current.format(tick))) },
        ],
        series: [
          {},
          ...series.map((one, index) => ({
            label: one.name,
            stroke: css(`--series-${place(one, index) + 1}`),
            dash: DASHES[place(one, index)],
            width: 2,
            points: { show: false },
            spanGaps: true,
          })),
        ],
        hooks: { setCursor: [(made) => setAt(made.cursor.idx ?? null)] },
      },
      latest.current.data,
      box.current!,
    );
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: box.current!.clientWidth, height }));
    resize.observe(box.current!);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [names, dark, logX, logY, height, xName]);

  useEffect(() => plot.current?.setData(latest.current.data), [series]);

  function onKeyDown(event: KeyboardEvent) {
    const made = plot.current;
    if (!made || xs.length === 0) return;
    const now = at ?? xs.length;
    const to = {
      ArrowLeft: now - 1,
      ArrowRight: now + 1,
      PageUp: now + Math.ceil(xs.length / 10),
      PageDown: now - Math.ceil(xs.length / 10),
      Home: 0,
      End: xs.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const index = Math.min(Math.max(to, 0), xs.length - 1);
    made.setCursor({ left: made.valToPos(xs[index]!, "x"), top: made.over.clientHeight / 2 });
    setByKey(true);
  }

  const index = at ?? xs.length - 1;
  const valueAt = (one: number): number | null => {
    const column = data[one + 1] as (number | null | undefined)[] | undefined;
    // Between the points of one curve there may be those of another: its last one counts, also if that has no value.
    for (let i = index; i >= 0; i--) if (column?.[i] !== undefined) return column[i]!;
    return null;
  };
  const words = series.map((one, i) => `${one.name} ${format(valueAt(i))}`).join(", ");

  return (
    <figure class="curves">
      <figcaption>
        <strong>{title}</strong>
        {xs.length > 0 && (
          <span class="muted small">
            {" "}
            at {readable(xs[index])} {xName}
          </span>
        )}
      </figcaption>
      <ul class="curves-legend">
        {series.map((one, i) => (
          <li key={one.name}>
            <svg viewBox="0 0 28 6" width="28" height="6" aria-hidden="true">
              <line
                x1="0"
                y1="3"
                x2="28"
                y2="3"
                stroke={`var(--series-${place(one, i) + 1})`}
                stroke-width="3"
                stroke-dasharray={DASHES[place(one, i)]!.join(" ") || undefined}
              />
            </svg>
            <span>{one.name}</span>
            <span class="mono">{format(valueAt(i))}</span>
          </li>
        ))}
      </ul>
      <div
        ref={box}
        class="curves-plot"
        tabIndex={0}
        role="slider"
        aria-label={`${title}: values along ${xName}`}
        aria-valuemin={0}
        aria-valuemax={Math.max(xs.length - 1, 0)}
        aria-valuenow={Math.max(index, 0)}
        aria-valuetext={xs.length > 0 ? `${readable(xs[index])} ${xName}: ${words}` : "no values yet"}
        onKeyDown={onKeyDown}
        onBlur={() => {
          if (byKey) plot.current?.setCursor({ left: -10, top: -10 });
          setByKey(false);
        }}
      />
      <div class="hidden-text">
        {series.map((one) => (
          <p key={one.name}>{summary(one, xName, format)}</p>
        ))}
      </div>
    </figure>
  );
}
