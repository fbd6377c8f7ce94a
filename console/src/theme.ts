// Colours and their contrast. Each pair of text and background has at least 4.5:1 (WCAG 2.2, 1.4.3); antd's own greys and its
// default blue do not. The axe check in e2e/ tests the pages for it.
import { type ThemeConfig, theme } from "antd";
import type { Outcome } from "./api/client";

const light: ThemeConfig = {
  algorithm: theme.defaultAlgorithm,
  token: {
    colorPrimary: "#0f6b5c",
    colorPrimaryBg: "#e0f1ee",
    colorPrimaryBgHover: "#d0e9e4",
    colorInfo: "#0b5cad",
    colorInfoBg: "#e8f1fb",
    colorInfoBorder: "#b3d0ee",
    colorWarningBg: "#fdf4e0",
    colorWarningBorder: "#ecd29a",
    colorErrorBg: "#fdecea",
    colorErrorBorder: "#f0b9b3",
    colorLink: "#0b5cad",
    colorSuccess: "#1f7a34",
    colorWarning: "#8a5300",
    colorError: "#b42318",
    colorTextSecondary: "#4a5560",
    colorTextTertiary: "#59636e",
    colorTextDescription: "#59636e",
    colorTextPlaceholder: "#66707a",
    colorTextDisabled: "#66707a",
    colorBgLayout: "#f4f6f7",
    borderRadius: 8,
  },
};

const dark: ThemeConfig = {
  algorithm: theme.darkAlgorithm,
  token: {
    colorPrimary: "#4cc9b0",
    colorPrimaryBg: "#12332d",
    colorPrimaryBgHover: "#174239",
    colorInfo: "#7db8f5",
    colorInfoBg: "#14283c",
    colorInfoBorder: "#2b4f73",
    colorWarningBg: "#33270d",
    colorWarningBorder: "#6b5320",
    colorErrorBg: "#3a1a17",
    colorErrorBorder: "#7a3a34",
    colorLink: "#7db8f5",
    colorSuccess: "#6fcf85",
    colorWarning: "#e8b04b",
    colorError: "#ff8f86",
    colorTextSecondary: "#b8c1c9",
    colorTextTertiary: "#a3adb6",
    colorTextDescription: "#a3adb6",
    colorTextPlaceholder: "#98a2ab",
    colorTextDisabled: "#8f99a2",
    colorBgLayout: "#0e1214",
    colorBgContainer: "#161b1e",
    colorBgElevated: "#1d2327",
    colorTextLightSolid: "#06251f", // on the light backgrounds of buttons
    borderRadius: 8,
  },
};

/** themeOf returns the theme of antd. In a narrow window each control is 44 px high, for fingers. */
export function themeOf(isDark: boolean, hasMotion: boolean, isNarrow: boolean): ThemeConfig {
  const base = isDark ? dark : light;
  return {
    ...base,
    token: {
      ...base.token,
      motion: hasMotion,
      fontFamily: "var(--font)",
      ...(isNarrow ? { controlHeight: 44 } : {}),
    },
    components: {
      Table: { headerBg: isDark ? "#1d2327" : "#f4f6f7" },
    },
  };
}

/** Tones are the meanings of colours. A text beside the colour always has the same meaning. */
export type Tone = "good" | "plain" | "wait" | "warn" | "bad" | "quiet";

interface Pair {
  ground: string;
  text: string;
}

const tones: Record<"light" | "dark", Record<Tone, Pair>> = {
  light: {
    good: { ground: "#e0f3e5", text: "#14572a" },
    plain: { ground: "#e2eefb", text: "#0a4a8c" },
    wait: { ground: "#eceff1", text: "#3d4852" },
    warn: { ground: "#fdf0d5", text: "#6f4200" },
    bad: { ground: "#fde7e5", text: "#8f1a11" },
    quiet: { ground: "#eceff1", text: "#4a5560" },
  },
  dark: {
    good: { ground: "#153521", text: "#93e0a5" },
    plain: { ground: "#14304d", text: "#a5d0fb" },
    wait: { ground: "#262d32", text: "#c6ced5" },
    warn: { ground: "#3d2d0c", text: "#f2c879" },
    bad: { ground: "#451a17", text: "#ffb4ad" },
    quiet: { ground: "#262d32", text: "#b8c1c9" },
  },
};

export function toneOf(isDark: boolean, tone: Tone): Pair {
  return tones[isDark ? "dark" : "light"][tone];
}

/**
 * outcomeLooks is how each outcome is shown: the tone of its tag, and its colours in charts. The order is that of stacked bars;
 * neighbours differ in lightness too.
 */
const outcomeLooks: Record<Outcome, { tone: Tone; light: string; dark: string }> = {
  whatsapp: { tone: "good", light: "#0f6b5c", dark: "#4cc9b0" },
  confirmed: { tone: "good", light: "#8fd0bd", dark: "#1f7a6a" },
  sms: { tone: "plain", light: "#3b8fe0", dark: "#7db8f5" },
  unconfirmed: { tone: "warn", light: "#d99100", dark: "#e8b04b" },
  expired: { tone: "quiet", light: "#7c8791", dark: "#8f99a2" },
  failed: { tone: "bad", light: "#b42318", dark: "#ff8f86" },
  cancelled: { tone: "quiet", light: "#8a6fb0", dark: "#7c66a6" },
  pending: { tone: "wait", light: "#c4ccd2", dark: "#4a545c" },
};

export const stackedOutcomes = Object.keys(outcomeLooks) as Outcome[];

export function outcomeTone(outcome: Outcome): Tone {
  return outcomeLooks[outcome].tone;
}

export function outcomeColor(isDark: boolean, outcome: Outcome): string {
  return outcomeLooks[outcome][isDark ? "dark" : "light"];
}
