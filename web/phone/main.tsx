import "../shared/tokens.css";
import "../shared/ui/components.css";
import "./phone.css";
import { render } from "preact";
import { App } from "./app.tsx";

const root = document.getElementById("app");
if (root !== null) render(<App fragment={location.hash} />, root);
// Another code was scanned while this page was open: start afresh with it.
addEventListener("hashchange", () => location.reload());
