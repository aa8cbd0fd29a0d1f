// Trains 784-300-75-10 on the built-in digits in a browser: with the modules of the site, and with TensorFlow.js, in turns, so that
// a noisy minute affects all alike. Prints the median of the epochs after each turn's first.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options } = parseArgs({
  options: {
    batches: { type: "string", default: "64" },
    turns: { type: "string", default: "3" },
    epochs: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    browser: { type: "string", default: "/usr/bin/chromium" },
  },
});

const HERE = import.meta.dirname;
const PLACES = [
  ["/module/", join(HERE, "../../web/app/src/engine/module/")],
  ["/digits/", join(HERE, "../../data/digits/")],
  ["/", `${HERE}/`],
];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const ROWS = [
  { name: "gpu-mlp, CPU", page: "own.html", device: "cpu", module: "bg" },
  { name: "gpu-mlp, CPU, without relaxed SIMD", page: "own.html", device: "cpu", module: "plain" },
  { name: "TensorFlow.js, wasm, fit", page: "tfjs.html", backend: "wasm", way: "fit" },
  { name: "TensorFlow.js, wasm, steps", page: "tfjs.html", backend: "wasm", way: "steps" },
  { name: "gpu-mlp, WebGPU", page: "own.html", device: "gpu", module: "bg" },
  { name: "TensorFlow.js, webgpu, fit", page: "tfjs.html", backend: "webgpu", way: "fit" },
  { name: "TensorFlow.js, webgpu, steps", page: "tfjs.html", backend: "webgpu", way: "steps" },
].filter(({ name }) => name.toLowerCase().includes(options.only.toLowerCase()));

const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  const [prefix, folder] = PLACES.find(([prefix]) => path.startsWith(prefix));
  const file = join(folder, path.slice(prefix.length));
  if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
}).listen(0);
const address = `http://localhost:${server.address().port}`;

const flags = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--disable-background-networking"];
const browser = await chromium.launch({ executablePath: options.browser, args: flags });
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

for (const batch of options.batches.split(",").map(Number)) {
  const found = new Map(ROWS.map((row) => [row.name, { speeds: [] }]));
  for (let turn = 0; turn < Number(options.turns); turn++)
    for (const row of ROWS) {
      const page = await browser.newPage();
      await page.goto(`${address}/${row.page}`);
      await page.waitForFunction("window.ready");
      try {
        const got = await page.evaluate((asked) => window.epochs(asked), { ...row, batch, count: Number(options.epochs) });
        const all = found.get(row.name);
        all.speeds.push(...got.speeds.slice(1));
        all.accuracy = got.accuracy;
      } catch (error) {
        console.error(`${row.name}: ${error.message}`);
      }
      await page.close();
    }
  for (const [name, { speeds, accuracy }] of found)
    if (speeds.length > 0)
      console.log(`batch ${batch}  ${name.padEnd(36)} ${Math.round(median(speeds)).toString().padStart(7)} samples/s  (${Math.round(Math.min(...speeds))} to ${Math.round(Math.max(...speeds))}), test accuracy ${(100 * accuracy).toFixed(1)} %`);
}
await browser.close();
server.close();
