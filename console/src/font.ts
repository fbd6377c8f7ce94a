// The font of the console. On a first visit the page begins with the system's font, and the file is loaded after the page's
// data; on later visits it is in the browser's cache.
import { readStored, writeStored } from "./stored";

const family = '"Inter Variable"';

function apply(): void {
  document.documentElement.dataset.font = "inter";
}

/** applyCachedFont sets the font at once, if an earlier visit has loaded it. */
export function applyCachedFont(): void {
  if (readStored("font", "", ["inter"]) !== "") {
    apply();
  }
}

/** loadFont loads the font, and sets it. If the file cannot be loaded, the system's font stays. */
export async function loadFont(): Promise<void> {
  const faces = await Promise.all([400, 600].map((weight) => document.fonts.load(`${weight} 14px ${family}`)));
  if (faces.some((loaded) => loaded.length > 0)) {
    apply();
    writeStored("font", "inter");
  }
}
