import { useState } from "preact/hooks";
import type { Bug } from "../engine/types";

/** All bugs, to search and to choose from. */
export function Catalogue({ bugs, chosen, onToggle }: { bugs: Bug[]; chosen: string[]; onToggle: (id: string) => void }) {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = bugs.filter(({ id, why, fix }) => {
    const text = `${id} ${why} ${fix}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <fieldset class="stack tight">
      <legend>Bugs</legend>
      <label class="field">
        <span>Search in names, causes and fixes</span>
        <input type="search" value={search} placeholder="softmax, 1/N, momentum, …" onInput={(event) => setSearch(event.currentTarget.value)} />
      </label>
      <p class="small muted" aria-live="polite">
        {found.length} of {bugs.length} bugs
      </p>
      <ul class="catalogue" tabIndex={0} aria-label="Bugs found">
        {found.map(({ id, why, replay }) => (
          <li key={id}>
            <label>
              <input type="checkbox" checked={chosen.includes(id)} disabled={replay !== true} onChange={() => onToggle(id)} />
              <span>
                <code>{id}</code>
                <span class="small muted">{why}</span>
                {replay !== true && <span class="small warn-text">Cannot be replayed: {replay}.</span>}
              </span>
            </label>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
