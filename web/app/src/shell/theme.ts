import { computed, effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "gpu-mlp theme";

/** A browser may forbid storage altogether: the theme is then not remembered. */
function remembered(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "light" || theme === "dark" ? theme : "system";
  } catch {
    return "system";
  }
}

const query = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(query.matches);
query.addEventListener("change", () => (systemIsDark.value = query.matches));

/** What the reader chose. */
export const theme = signal<Theme>(remembered());

/** What is shown. Whoever draws with the colours of the tokens reads it, and so is drawn anew when it changes. */
export const scheme = computed(() => (theme.value === "system" ? (systemIsDark.value ? "dark" : "light") : theme.value));

effect(() => {
  document.documentElement.style.colorScheme = theme.value === "system" ? "" : theme.value;
  try {
    if (theme.value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme.value);
  } catch {
    // Not remembered.
  }
});

const probe = document.createElement("span");
probe.hidden = true;

/** A colour of the tokens as it is now, `[red, green, blue]` from 0 to 255, for canvases: `colour("--series-1")`. */
export function colour(token: string): [number, number, number] {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${token})`;
  const [r = 0, g = 0, b = 0] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
}

export const css = (token: string): string => `rgb(${colour(token).join(" ")})`;
