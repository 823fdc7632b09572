import "../shared/tokens.css";
import "../shared/ui/components.css";
import "./landing.css";
import { render } from "preact";
import { Landing } from "./landing.tsx";

const root = document.getElementById("app");
if (root !== null) render(<Landing />, root);
