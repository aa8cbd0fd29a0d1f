import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import { Shell } from "./shell/Shell";

// A file that misses its place would be opened by the browser in place of the page.
for (const type of ["dragover", "drop"] as const) {
  addEventListener(type, (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  });
}

render(<Shell />, document.getElementById("app")!);
