import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

interface Props<T> {
  label: string;
  /** Pictures alone may be smaller than those with words. */
  small?: boolean;
  items: T[];
  /** What an item is, for screen readers. */
  name: (item: T, index: number) => string;
  show: (item: T, index: number) => ComponentChildren;
  pressed: (item: T, index: number) => boolean;
  onPick: (item: T, index: number) => void;
  /** An item under the pointer or with the focus. */
  onNear?: (item: T, index: number) => void;
}

/** Pictures to choose from, in rows. One of them is a stop of the Tab key; arrow keys move between them. */
export function Gallery<T>({ label, small = false, items, name, show, pressed, onPick, onNear }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const stop = Math.min(at, items.length - 1);

  function onKeyDown(event: KeyboardEvent) {
    const buttons = [...box.current!.children] as HTMLElement[];
    const perRow = buttons.filter((button) => button.offsetTop === buttons[0]!.offsetTop).length;
    const to = {
      ArrowLeft: stop - 1,
      ArrowRight: stop + 1,
      ArrowUp: stop - perRow,
      ArrowDown: stop + perRow,
      Home: 0,
      End: items.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons[to]?.focus();
  }

  return (
    <div class={small ? "gallery small" : "gallery"} role="group" aria-label={`${label}; arrow keys move`} ref={box} onKeyDown={onKeyDown}>
      {items.map((item, index) => (
        <button
          key={index}
          type="button"
          tabIndex={index === stop ? 0 : -1}
          aria-label={name(item, index)}
          aria-pressed={pressed(item, index)}
          onClick={() => onPick(item, index)}
          onFocus={() => {
            setAt(index);
            onNear?.(item, index);
          }}
          onPointerEnter={() => onNear?.(item, index)}
        >
          {show(item, index)}
        </button>
      ))}
    </div>
  );
}
