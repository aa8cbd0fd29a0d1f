/** The browser that the tests drive. */
import { existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { LaunchOptions } from "@playwright/test";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** `GPU_MLP_BROWSER`, a path or a name, or a Chromium of this system. */
function browser(): string {
  const names = process.env.GPU_MLP_BROWSER ? [process.env.GPU_MLP_BROWSER] : NAMES;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = names.flatMap((name) => (name.includes("/") ? [resolve(name)] : folders.map((folder) => join(folder, name))));
  const found = places.find(existsSync);
  if (!found) throw new Error(`there is no ${names.join(", ")}: install a Chromium, or set GPU_MLP_BROWSER to one`);
  return found;
}

/** With WebGPU on SwiftShader, the software adapter inside Chromium, or without any. */
export const launch = ({ webgpu }: { webgpu: boolean }): LaunchOptions => ({
  executablePath: browser(),
  args: [
    ...(webgpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : []),
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
