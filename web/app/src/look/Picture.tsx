import { useLayoutEffect, useRef } from "preact/hooks";
import { colour as token, scheme } from "../shell/theme";

interface Props {
  rows: number;
  cols: number;
  /** Three values a pixel. */
  colours?: boolean;
  values: ArrayLike<number>;
  /** Pixels from 0 (black) to `most`; or signed values around 0, of which ±`most` are the strongest. */
  scale: "pixels" | "signed";
  most: number;
  /** What a screen reader says; a picture without one is described by what stands beside it. */
  label?: string;
}

/** A small picture, one canvas pixel for each value. */
export function Picture({ rows, cols, colours = false, values, scale, most, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = scheme.value;
  useLayoutEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const image = context.createImageData(cols, rows);
    const part = (i: number) => (values[i] ?? 0) / (most || 1);
    const mix = signed();
    const paint = colours
      ? // Grey is 0 in each colour of weights.
        (i: number) => [0, 1, 2].map((c) => (scale === "pixels" ? 255 * part(3 * i + c) : 128 + 127 * part(3 * i + c)))
      : (i: number) => (scale === "pixels" ? Array<number>(3).fill(255 * part(i)) : mix(part(i)));
    for (let i = 0; i < rows * cols; i++) image.data.set([...paint(i), 255], 4 * i);
    context.putImageData(image, 0, 0);
  }, [rows, cols, colours, values, scale, most, theme]);
  return <canvas ref={canvas} class="picture" width={cols} height={rows} {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })} />;
}

/** The colours of values from -1 to 1. */
function signed(): (value: number) => number[] {
  const stops = [1, 2, 3, 4, 5].map((i) => token(`--diverging-${i}`));
  return (value) => {
    const at = 2 * (Math.max(-1, Math.min(1, value)) + 1);
    const from = Math.min(3, Math.floor(at));
    const [a, b] = [stops[from]!, stops[from + 1]!];
    return a.map((channel, i) => channel + (at - from) * (b[i]! - channel));
  };
}
