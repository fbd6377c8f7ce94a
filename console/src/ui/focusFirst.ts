import type { FormInstance } from "antd";

/**
 * focusFirst moves the focus to a field of a dialog that has just opened. It does nothing if another field already has the focus:
 * the dialog opens with an animation, and a user may begin to type before its end.
 */
export function focusFirst(form: FormInstance, field: string) {
  if (!(document.activeElement instanceof HTMLInputElement)) form.focusField(field);
}
