// The English words of the menu, of the first page, and of what most pages have.
import { accounts } from "./en/accounts";
import { frame } from "./en/frame";
import { overview } from "./en/overview";
import { sends } from "./en/sends";
import { settings } from "./en/settings";
import { templates } from "./en/templates";
import { titles } from "./en/titles";

export const first = { ...frame, ...settings, ...accounts, ...templates, ...sends, ...overview, ...titles };
