import { render } from "preact";

render(<main>gpu-mlp</main>, document.getElementById("app")!);
