import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import "./shared.css";

export interface Tab {
  id: string;
  name: string;
}

/** Tabs, of which one is selected; `children` is the content of that one. Arrow keys, Home and End move between them. */
export function Tabs(props: { label: string; tabs: Tab[]; selected: string; onSelect: (id: string) => void; children: ComponentChildren }) {
  const { label, tabs, selected, onSelect, children } = props;
  const prefix = useId();
  const list = useRef<HTMLDivElement>(null);

  function onKeyDown(event: KeyboardEvent) {
    const at = tabs.findIndex(({ id }) => id === selected);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const index = (to + tabs.length) % tabs.length;
    onSelect(tabs[index]!.id);
    (list.current?.children[index] as HTMLElement | undefined)?.focus();
  }

  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} ref={list} onKeyDown={onKeyDown}>
        {tabs.map(({ id, name }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`${prefix}-tab-${id}`}
            aria-selected={id === selected}
            aria-controls={`${prefix}-panel`}
            tabIndex={id === selected ? 0 : -1}
            onClick={() => onSelect(id)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${prefix}-panel`} aria-labelledby={`${prefix}-tab-${selected}`}>
        {children}
      </div>
    </div>
  );
}
