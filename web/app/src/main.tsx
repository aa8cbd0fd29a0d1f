import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import { Shell } from "./shell/Shell";

render(<Shell />, document.getElementById("app")!);
