import { accounts } from "./en/accounts";
import { callbacks } from "./en/callbacks";
import { frame } from "./en/frame";
import { guards } from "./en/guards";
import { messages } from "./en/messages";
import { newSend } from "./en/newSend";
import { optOuts } from "./en/optOuts";
import { overview } from "./en/overview";
import { sends } from "./en/sends";
import { settings } from "./en/settings";
import { templates } from "./en/templates";

export const en = {
  ...frame,
  ...settings,
  ...accounts,
  ...templates,
  ...callbacks,
  ...messages,
  ...sends,
  ...newSend,
  ...overview,
  ...optOuts,
  ...guards,
};

/** Words are the texts that each language must have. */
export type Words = typeof en;
