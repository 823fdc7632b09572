import "../shared/tokens.css";
import "../shared/ui/components.css";
import "./organiser.css";
import "./pages.css";
import { render } from "preact";
import { tokenFromFragment } from "../shared/token.ts";
import { App } from "./app.tsx";

const root = document.getElementById("app");
if (root !== null) render(<App token={tokenFromFragment(location.hash)} />, root);
// A link pasted over this page changes only the fragment: start afresh with its token.
addEventListener("hashchange", () => location.reload());
