import type { FormInstance } from "antd";

/**
 * focusFirst puts the focus into a field of a dialog that has just opened, unless somebody types into another field already: a
 * dialog opens with a movement, and a fast reader does not wait for its end.
 */
export function focusFirst(form: FormInstance, field: string) {
  if (!(document.activeElement instanceof HTMLInputElement)) form.focusField(field);
}
