import "../shared/tokens.css";
import "../shared/ui/components.css";
import "./observer.css";
import "./notes/notes.css";
import { render } from "preact";
import { sheetTokenFromFragment, tokenFromFragment } from "../shared/token.ts";
import { App } from "./app.tsx";

const root = document.getElementById("app");
if (root !== null) {
  render(<App link={tokenFromFragment(location.hash)} sheet={sheetTokenFromFragment(location.hash)} />, root);
}
// A link pasted over this page changes only the fragment: start afresh with its token.
addEventListener("hashchange", () => location.reload());
