import type { Signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { greys, paint, SIDE, type Sheet, type Stroke } from "./strokes";

interface Props {
  sheet: Signal<Sheet>;
  onPixels: (pixels: Uint8Array) => void;
}

/** The canvas: mouse, finger or pen draw white on black. */
export function Pad({ sheet, onPixels }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawing = useRef<number | null>(null);

  useLayoutEffect(() => {
    const context = canvas.current!.getContext("2d", { willReadFrequently: true })!;
    paint(context, sheet.value);
    onPixels(greys(context));
  }, [sheet.value]);

  function points(event: PointerEvent): Stroke {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect();
    // A browser may gather several moves into one event.
    const moves = event.getCoalescedEvents?.() ?? [];
    return (moves.length > 0 ? moves : [event]).map((move) => ({
      x: ((move.clientX - left) / width) * SIDE,
      y: ((move.clientY - top) / height) * SIDE,
    }));
  }

  const lift = (event: PointerEvent) => {
    if (event.pointerId === drawing.current) drawing.current = null;
  };

  return (
    <canvas
      ref={canvas}
      class="pad"
      width={SIDE}
      height={SIDE}
      role="img"
      aria-label="Canvas to draw a digit on"
      onPointerDown={(event) => {
        if (event.button !== 0 || drawing.current !== null) return;
        drawing.current = event.pointerId;
        canvas.current!.setPointerCapture(event.pointerId);
        sheet.value = { ...sheet.value, strokes: [...sheet.value.strokes, points(event).slice(-1)] };
      }}
      onPointerMove={(event) => {
        if (event.pointerId !== drawing.current) return;
        const strokes = [...sheet.value.strokes];
        strokes.push([...(strokes.pop() ?? []), ...points(event)]);
        sheet.value = { ...sheet.value, strokes };
      }}
      onPointerUp={lift}
      onPointerCancel={lift}
    />
  );
}
