import type { Words } from "./en";
import { accounts } from "./zh-CN/accounts";
import { audit } from "./zh-CN/audit";
import { callbacks } from "./zh-CN/callbacks";
import { exclusive } from "./zh-CN/exclusive";
import { frame } from "./zh-CN/frame";
import { guards } from "./zh-CN/guards";
import { keys } from "./zh-CN/keys";
import { messages } from "./zh-CN/messages";
import { newSend } from "./zh-CN/newSend";
import { optOuts } from "./zh-CN/optOuts";
import { overview } from "./zh-CN/overview";
import { people } from "./zh-CN/people";
import { persons } from "./zh-CN/persons";
import { sends } from "./zh-CN/sends";
import { settings } from "./zh-CN/settings";
import { templates } from "./zh-CN/templates";

export const zhCN: Words = {
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
  ...audit,
  ...persons,
  ...keys,
  ...people,
  ...exclusive,
};
