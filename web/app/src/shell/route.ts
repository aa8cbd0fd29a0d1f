import { signal } from "@preact/signals";

/** The pages in the order of the navigation. Each is loaded when it is shown. */
export const pages = [
  { id: "doctor", name: "Doctor", load: () => import("../doctor/page") },
  { id: "bugs", name: "Bugs", load: () => import("../bugs/page") },
  { id: "train", name: "Train", load: () => import("../train/page") },
  { id: "look", name: "Look", load: () => import("../look/page") },
  { id: "draw", name: "Draw", load: () => import("../draw/page") },
  { id: "device", name: "Device", load: () => import("../device/page") },
] as const;

export type PageId = (typeof pages)[number]["id"];

export interface Route {
  page: PageId;
  query: URLSearchParams;
}

/** `#/bugs?bug=a&bug=b` */
function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const page = pages.find((page) => page.id === path)?.id ?? "doctor";
  return { page, query: new URLSearchParams(query) };
}

export const pageOf = (id: PageId) => pages.find((page) => page.id === id)!;

export const route = signal<Route>(parse(location.hash));
addEventListener("hashchange", () => (route.value = parse(location.hash)));

/** The address of a page, for `href`. */
export function address(page: PageId, query?: URLSearchParams): string {
  const text = query?.toString();
  return `#/${page}${text ? `?${text}` : ""}`;
}

/** Writes a page's state into the address bar, without another entry in the history and without showing the page anew. */
export function remember(page: PageId, query: URLSearchParams): void {
  history.replaceState(null, "", address(page, query));
}
