// What a person has chosen for this browser: kept here, and never sent anywhere.
import { createContext, useContext, useEffect, useMemo, useState } from "react";

export type Language = "en" | "zh-CN";
export type Appearance = "light" | "dark" | "system";

export interface Preferences {
  language: Language;
  appearance: Appearance;
  dark: boolean; // what appearance comes to
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

/** useKept is a state that outlives the page. A browser that refuses to store anything forgets it. */
export function useKept<T extends string>(name: string, otherwise: T, allowed: readonly T[]): [T, (value: T) => void] {
  const key = `backstop.${name}`;
  const [value, setValue] = useState<T>(() => {
    try {
      const kept = localStorage.getItem(key) as T | null;
      return kept && allowed.includes(kept) ? kept : otherwise;
    } catch {
      return otherwise;
    }
  });
  const set = (next: T) => {
    setValue(next);
    try {
      localStorage.setItem(key, next);
    } catch {
      // it lasts as long as the page
    }
  };
  return [value, set];
}

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

export function useNewPreferences(): Preferences {
  const preferred: Language = navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
  const [language, setLanguage] = useKept<Language>("language", preferred, ["en", "zh-CN"]);
  const [appearance, setAppearance] = useKept<Appearance>("appearance", "system", ["light", "dark", "system"]);
  const [system, setSystem] = useState(systemDark.matches);
  useEffect(() => {
    const heard = (event: MediaQueryListEvent) => setSystem(event.matches);
    systemDark.addEventListener("change", heard);
    return () => systemDark.removeEventListener("change", heard);
  }, []);
  const dark = appearance === "system" ? system : appearance === "dark";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the setters do the same whichever render made them
  return useMemo(() => ({ language, appearance, dark, setLanguage, setAppearance }), [language, appearance, dark]);
}
