import "./nonce"; // before any script creates a style
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { applyCachedFont } from "./font";
import { setLanguage } from "./i18n";
import { storedLanguage } from "./stored";
import "./console.css";

applyCachedFont();
const root = document.getElementById("root");
if (root) {
  setLanguage(storedLanguage()).then((words) =>
    createRoot(root).render(
      <StrictMode>
        <App firstWords={words} />
      </StrictMode>,
    ),
  );
}
