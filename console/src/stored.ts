// What the browser keeps between visits: the language and the appearance. src/early.ts reads them before the app is loaded.
export type Language = "en" | "zh-CN";
export type Appearance = "light" | "dark" | "system";

export const languages: readonly Language[] = ["en", "zh-CN"];
export const appearances: readonly Appearance[] = ["light", "dark", "system"];

/** readStored returns a stored value. If there is none, or the browser refuses to read it, it returns otherwise. */
export function readStored<T extends string>(name: string, otherwise: T, allowed: readonly T[]): T {
  try {
    const stored = localStorage.getItem(`backstop.${name}`) as T | null;
    return stored && allowed.includes(stored) ? stored : otherwise;
  } catch {
    return otherwise;
  }
}

export function writeStored(name: string, value: string): void {
  try {
    localStorage.setItem(`backstop.${name}`, value);
  } catch {
    // the value lasts until the page closes
  }
}

export function storedLanguage(): Language {
  return readStored("language", navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en", languages);
}

export function storedAppearance(): Appearance {
  return readStored("appearance", "system", appearances);
}
