import "../shared/tokens.css";
import "../shared/ui/components.css";
import "./review.css";
import { render } from "preact";
import { sheetTokenFromFragment, tokenFromFragment } from "../shared/token.ts";
import { App } from "./app.tsx";

const lesson = new URLSearchParams(location.search).get("lesson");
const root = document.getElementById("app");
if (root !== null) {
  const { hash } = location;
  render(<App token={tokenFromFragment(hash)} lesson={lesson} sheet={sheetTokenFromFragment(hash)} />, root);
}
addEventListener("hashchange", () => location.reload());
