// The preferences of the user. They are stored in the browser only.
import { createContext, useContext, useEffect, useMemo, useState } from "react";

export type Language = "en" | "zh-CN";
export type Appearance = "light" | "dark" | "system";

export interface Preferences {
  language: Language;
  appearance: Appearance;
  dark: boolean; // the result of appearance
  lessMotion: boolean; // the setting of the user's system
  setLanguage: (language: Language) => void;
  setAppearance: (appearance: Appearance) => void;
}

const PreferencesContext = createContext<Preferences | undefined>(undefined);

export const PreferencesProvider = PreferencesContext.Provider;

export function usePreferences(): Preferences {
  const preferences = useContext(PreferencesContext);
  if (!preferences) {
    throw new Error("usePreferences outside of PreferencesProvider");
  }
  return preferences;
}

/** useStored is a state that the browser stores. If the browser refuses to store it, it lasts until the page closes. */
export function useStored<T extends string>(
  name: string,
  otherwise: T,
  allowed: readonly T[],
): [T, (value: T) => void] {
  const key = `backstop.${name}`;
  const [value, setValue] = useState<T>(() => {
    try {
      const stored = localStorage.getItem(key) as T | null;
      return stored && allowed.includes(stored) ? stored : otherwise;
    } catch {
      return otherwise;
    }
  });
  const set = (next: T) => {
    setValue(next);
    try {
      localStorage.setItem(key, next);
    } catch {
      // the state lasts until the page closes
    }
  };
  return [value, set];
}

/** useMedia returns whether a media query matches, now and after each change. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const media = window.matchMedia(query);
    const update = () => setMatches(media.matches);
    update();
    media.addEventListener("change", update);
    return () => media.removeEventListener("change", update);
  }, [query]);
  return matches;
}

export function useNewPreferences(): Preferences {
  const preferred: Language = navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
  const [language, setLanguage] = useStored<Language>("language", preferred, ["en", "zh-CN"]);
  const [appearance, setAppearance] = useStored<Appearance>("appearance", "system", ["light", "dark", "system"]);
  const systemDark = useMedia("(prefers-color-scheme: dark)");
  const lessMotion = useMedia("(prefers-reduced-motion: reduce)");
  const dark = appearance === "system" ? systemDark : appearance === "dark";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the setters of all renders do the same
  return useMemo(
    () => ({ language, appearance, dark, lessMotion, setLanguage, setAppearance }),
    [language, appearance, dark, lessMotion],
  );
}
