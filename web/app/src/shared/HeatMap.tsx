import { moves } from "./grid";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { colour, scheme } from "../shell/theme";
import { readable } from "./numbers";
import "./shared.css";

export interface HeatMapProps {
  /** What is shown: `right dW2`. */
  caption: string;
  rows: number;
  cols: number;
  /** Row by row. */
  values: ArrayLike<number>;
  /** `diverging` for signed values, whose middle is 0; `sequential` from 0 to the largest. */
  scale: "diverging" | "sequential";
  /** The largest size of a value, if several heat maps share one scale; by default this one's. */
  most?: number;
  /** What a row and a column are: `sample`, `unit`. */
  rowName?: string;
  colName?: string;
  /** Names of rows and columns in place of their numbers. */
  rowLabels?: string[];
  colLabels?: string[];
  format?: (value: number) => string;
  /** Largest height in CSS pixels. */
  height?: number;
}

const CELL = 26;

/** The largest finite size of a value. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > most && Number.isFinite(size)) most = size;
  }
  return most;
}

type Colour = [number, number, number];

function mixed(stops: Colour[], share: number): Colour {
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const [a, b] = [stops[low]!, stops[low + 1]!];
  return [0, 1, 2].map((i) => a[i]! + (b[i]! - a[i]!) * (at - low)) as Colour;
}

/** A pixel of an ImageData. */
const packed = ([r, g, b]: Colour) => 0xff000000 | (b << 16) | (g << 8) | r;

/** A matrix in colours. The value under the pointer, or under the arrow keys, is written below it. */
export function HeatMap(props: HeatMapProps) {
  const { caption, rows, cols, values, scale, rowName = "row", colName = "column", format = readable, height = 320 } = props;
  const most = props.most ?? largest(values);
  const gaps = useMemo(() => Array.prototype.some.call(values, (value: number) => !Number.isFinite(value)), [values]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<[row: number, col: number] | null>(null);
  const [width, setWidth] = useState(0);
  const dark = scheme.value;

  useLayoutEffect(() => {
    const resize = new ResizeObserver(() => setWidth(box.current?.clientWidth ?? 0));
    setWidth(box.current!.clientWidth);
    resize.observe(box.current!);
    return () => resize.disconnect();
  }, []);

  useLayoutEffect(() => {
    const stops = [1, 2, 3, 4, 5].map((stop) => colour(`--${scale}-${stop}`));
    const none = packed(colour("--not-a-number"));
    // Colours of 256 steps, so that a large matrix needs no arithmetic of colours for each value.
    const table = Array.from({ length: 256 }, (_, i) => packed(mixed(stops, i / 255)));
    const image = new ImageData(cols, rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < rows * cols; i++) {
      const value = values[i]!;
      const share = most === 0 ? 0 : value / most;
      const place = Math.min(Math.max(scale === "diverging" ? (share + 1) / 2 : share, 0), 1);
      pixels[i] = Number.isFinite(value) ? table[Math.round(255 * place)]! : none;
    }
    canvas.current!.getContext("2d")!.putImageData(image, 0, 0);
  }, [rows, cols, values, scale, most, dark]);

  // Cells are squares where there is room, and narrower or lower where there is not.
  const cellWidth = Math.min(CELL, width / cols);
  const cellHeight = Math.min(CELL, height / rows);
  const label = (labels: string[] | undefined, name: string, index: number) => `${name} ${labels?.[index] ?? index}`;

  function onPointer(event: PointerEvent) {
    const { left, top } = canvas.current!.getBoundingClientRect();
    const row = Math.floor((event.clientY - top) / cellHeight);
    const col = Math.floor((event.clientX - left) / cellWidth);
    setAt(row >= 0 && row < rows && col >= 0 && col < cols ? [row, col] : null);
  }

  function onKeyDown(event: KeyboardEvent) {
    const [row, col] = at ?? [0, 0];
    const far: Record<string, [number, number]> = { PageUp: [row - 10, col], PageDown: [row + 10, col] };
    const to = far[event.key] ?? moves([row, col], cols)[event.key];
    if (!to) return;
    event.preventDefault();
    setAt(at === null ? [0, 0] : [Math.min(Math.max(to[0], 0), rows - 1), Math.min(Math.max(to[1], 0), cols - 1)]);
  }

  const where = at && `${label(props.rowLabels, rowName, at[0])}, ${label(props.colLabels, colName, at[1])}`;
  const small = cellWidth < 1 || cellHeight < 1;

  return (
    <figure class="heat-map">
      <figcaption class="small">{caption}</figcaption>
      <div ref={box}>
        <div
          class="heat-map-cells"
          tabIndex={0}
          role="application"
          aria-roledescription="heat map"
          aria-label={`${caption}: ${rows} by ${cols} values; arrow keys move`}
          onKeyDown={onKeyDown}
          onPointerMove={onPointer}
          onPointerDown={onPointer}
          onPointerLeave={() => setAt(null)}
          onBlur={() => setAt(null)}
          style={{ width: `${cellWidth * cols}px`, height: `${cellHeight * rows}px` }}
        >
          <canvas ref={canvas} width={cols} height={rows} class={small ? "smooth" : undefined} />
          {at && (
            <span
              class="heat-map-cursor"
              style={{
                left: `${at[1] * cellWidth}px`,
                top: `${at[0] * cellHeight}px`,
                width: `${Math.max(cellWidth, 3)}px`,
                height: `${Math.max(cellHeight, 3)}px`,
              }}
            />
          )}
        </div>
      </div>
      <div class="heat-map-scale small">
        <span>{scale === "diverging" ? format(-most) : format(0)}</span>
        <span class={`heat-map-bar ${scale}`} />
        <span>{format(most)}</span>
        {gaps && (
          <>
            <span class="heat-map-gap" />
            <span>NaN, ∞</span>
          </>
        )}
      </div>
      <p class="small mono heat-map-value" aria-live="polite">
        {at ? `${where}: ${format(values[at[0] * cols + at[1]]!)}` : `${rows} × ${cols}`}
      </p>
    </figure>
  );
}
