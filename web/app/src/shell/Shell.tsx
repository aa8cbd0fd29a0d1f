import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ErrorBox } from "../shared/ErrorBox";
import { address, pageOf, pages, route } from "./route";
import type { PageId } from "./route";
import { theme } from "./theme";
import type { Theme } from "./theme";
import "./shell.css";

function Page({ id }: { id: PageId }) {
  const [shown, setShown] = useState<{ id: PageId; Component?: ComponentType; error?: unknown }>();

  useEffect(() => {
    let current = true;
    pageOf(id).load().then(
      (module) => current && setShown({ id, Component: module.default }),
      (error: unknown) => current && setShown({ id, error }),
    );
    return () => void (current = false);
  }, [id]);

  if (shown?.id !== id) return <p class="muted">Loading…</p>;
  if (!shown.Component) return <ErrorBox error={shown.error} />;
  return <shown.Component />;
}

const themes: { value: Theme; name: string }[] = [
  { value: "system", name: "System" },
  { value: "light", name: "Light" },
  { value: "dark", name: "Dark" },
];

function ThemeSwitch() {
  return (
    <label class="theme">
      <span class="hidden-text">Theme</span>
      <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
        {themes.map(({ value, name }) => (
          <option key={value} value={value} selected={theme.value === value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const { page } = route.value;

  useEffect(() => {
    document.title = page === "doctor" ? "gpu-mlp: the backprop doctor" : `${pageOf(page).name} - gpu-mlp`;
    // Whoever follows a link with the keyboard or a screen reader goes on at the new page, not at the link.
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [page]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // The hash belongs to the routes.
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="site-header">
        <div class="site-width">
          <a class="site-name" href={address("doctor")}>
            gpu-mlp
          </a>
          <nav aria-label="Pages">
            {pages.map(({ id, name }) => (
              <a key={id} href={address(id)} aria-current={id === page ? "page" : undefined}>
                {name}
              </a>
            ))}
          </nav>
          <ThemeSwitch />
        </div>
      </header>
      <main id="main" class="site-width" tabIndex={-1} ref={main}>
        <Page id={page} />
      </main>
      <footer class="site-footer">
        <div class="site-width">
          <p>
            Everything runs in this tab: files are read and computed on here, and nothing is uploaded. The same library is the
            command line program <code>gpu-mlp</code> and a Python module.
          </p>
        </div>
      </footer>
    </>
  );
}
