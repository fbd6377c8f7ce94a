// The preferences of the user. They are stored in the browser only.
import { createContext, useContext, useMemo, useState } from "react";
import { type Appearance, type Language, storedAppearance, storedLanguage, writeStored } from "./stored";
import { useMedia } from "./ui/useMedia";

export type { Appearance, Language };

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

export function useNewPreferences(): Preferences {
  const [language, setLanguage] = useState<Language>(storedLanguage);
  const [appearance, setAppearance] = useState<Appearance>(storedAppearance);
  const systemDark = useMedia("(prefers-color-scheme: dark)");
  const lessMotion = useMedia("(prefers-reduced-motion: reduce)");
  const dark = appearance === "system" ? systemDark : appearance === "dark";
  return useMemo(
    () => ({
      language,
      appearance,
      dark,
      lessMotion,
      setLanguage: (next) => {
        setLanguage(next);
        writeStored("language", next);
      },
      setAppearance: (next) => {
        setAppearance(next);
        writeStored("appearance", next);
      },
    }),
    [language, appearance, dark, lessMotion],
  );
}
