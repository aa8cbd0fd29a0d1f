/** The side of the drawing in pixels, and the pen's width: MNIST's strokes are about a twelfth as wide. */
export const SIDE = 280;
const PEN = SIDE / 12;

export type Stroke = { x: number; y: number }[];

/** A picture laid on the canvas: pixels from 0 (black) to 1. */
export interface Laid {
  rows: number;
  cols: number;
  values: ArrayLike<number>;
}

export interface Sheet {
  laid: Laid | null;
  strokes: Stroke[];
}

export const EMPTY: Sheet = { laid: null, strokes: [] };

export const isEmpty = (sheet: Sheet) => sheet.laid === null && sheet.strokes.length === 0;

/** Without its newest stroke, or without the picture if there is none. */
export const undone = (sheet: Sheet): Sheet =>
  sheet.strokes.length > 0 ? { ...sheet, strokes: sheet.strokes.slice(0, -1) } : EMPTY;

export function paint(context: CanvasRenderingContext2D, sheet: Sheet) {
  context.fillStyle = "#000";
  context.fillRect(0, 0, SIDE, SIDE);
  if (sheet.laid) {
    const { rows, cols, values } = sheet.laid;
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        const grey = Math.round(255 * Math.min(1, Math.max(0, values[row * cols + col] ?? 0)));
        if (grey === 0) continue;
        context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
        // Whole pixels, so that no seam is left between two.
        const [top, left] = [Math.floor((row * SIDE) / rows), Math.floor((col * SIDE) / cols)];
        const [bottom, right] = [Math.floor(((row + 1) * SIDE) / rows), Math.floor(((col + 1) * SIDE) / cols)];
        context.fillRect(left, top, right - left, bottom - top);
      }
    }
  }
  context.strokeStyle = "#fff";
  context.lineWidth = PEN;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of sheet.strokes) {
    context.beginPath();
    const [first, ...rest] = stroke;
    context.moveTo(first!.x, first!.y);
    // A dot is a line to itself.
    for (const point of rest.length > 0 ? rest : [first!]) context.lineTo(point.x, point.y);
    context.stroke();
  }
}

/** One byte a pixel, row by row. */
export function greys(context: CanvasRenderingContext2D): Uint8Array {
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i]!);
}
