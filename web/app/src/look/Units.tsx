import { useRef, useState } from "preact/hooks";
import { largest } from "../shared/HeatMap";
import { readable } from "../shared/numbers";
import { Picture } from "./Picture";

/** A layer's outputs as a small map, unit after unit in rows. The value under the pointer, or the arrow keys, stands below it. */
export function Units({ title, values }: { title: string; values: Float32Array }) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const cols = Math.ceil(Math.sqrt(values.length * 1.5));
  const rows = Math.ceil(values.length / cols);
  const most = largest(values);

  function onPointer(event: PointerEvent) {
    const { left, top, width, height } = box.current!.getBoundingClientRect();
    const unit = Math.floor(((event.clientY - top) / height) * rows) * cols + Math.floor(((event.clientX - left) / width) * cols);
    setAt(unit >= 0 && unit < values.length ? unit : null);
  }

  function onKeyDown(event: KeyboardEvent) {
    const now = at ?? -1;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, ArrowUp: now - cols, ArrowDown: now + cols, Home: 0, End: values.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setAt(Math.min(Math.max(to, 0), values.length - 1));
  }

  return (
    <figure class="units">
      <figcaption class="small">{title}</figcaption>
      <div
        ref={box}
        class="units-cells"
        role="application"
        aria-roledescription="map of units"
        aria-label={`${title}: ${values.length} units; arrow keys move`}
        tabIndex={0}
        onPointerMove={onPointer}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
        onKeyDown={onKeyDown}
      >
        <Picture rows={rows} cols={cols} values={values} scale="signed" most={most} />
        {at !== null && (
          <span
            class="units-cursor"
            style={{ left: `${(100 * (at % cols)) / cols}%`, top: `${(100 * Math.floor(at / cols)) / rows}%`, width: `${100 / cols}%`, height: `${100 / rows}%` }}
          />
        )}
      </div>
      <p class="small mono" aria-live={at === null ? "off" : "polite"}>
        {at === null ? `${values.length} units, to ${readable(most)}` : `unit ${at}: ${readable(values[at])}`}
      </p>
    </figure>
  );
}
