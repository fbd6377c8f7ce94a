import { audit } from "./en/audit";
import { callbacks } from "./en/callbacks";
import { exclusive } from "./en/exclusive";
import { guards } from "./en/guards";
import { keys } from "./en/keys";
import { messages } from "./en/messages";
import { newSend } from "./en/newSend";
import { optOuts } from "./en/optOuts";
import { people } from "./en/people";
import { persons } from "./en/persons";
import { first } from "./first";

export const en = {
  ...first,
  ...callbacks,
  ...messages,
  ...newSend,
  ...optOuts,
  ...guards,
  ...audit,
  ...persons,
  ...keys,
  ...people,
  ...exclusive,
};

/** Words are the texts that each language must have. */
export type Words = typeof en;
