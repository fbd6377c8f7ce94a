import { Button, type FormInstance, Modal } from "antd";
import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { focusFirst } from "./focusFirst";
import { useFocusReturn } from "./useFocusReturn";

interface Props<Draft> {
  form: FormInstance<Draft>;
  formName: string;
  title: string;
  width: number;
  okText: string;
  isSaving: boolean;
  isBlocked: boolean; // whether something must be decided before the next save
  isChanged: () => boolean;
  notice: ReactNode; // why the last save failed; it is in view at any height of the window
  onClose: () => void;
  children: ReactNode;
}

/** EditDialog is the frame of a form: Enter saves, and each exit but Cancel asks before it drops changes. */
export function EditDialog<Draft>(props: Props<Draft>) {
  const { form, formName, title, width, okText, isSaving, isBlocked, isChanged, notice, onClose, children } = props;
  const { t } = useTranslation();
  const [isAsking, setIsAsking] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  useFocusReturn();
  return (
    <>
      <Modal
        open
        className="edit-dialog"
        title={title}
        width={width}
        okText={okText}
        // Enter in a field presses the submit button of its form, which is outside the form's element.
        okButtonProps={{ htmlType: "submit", form: formName, loading: isSaving, disabled: isBlocked }}
        onCancel={() => (isChanged() ? setIsAsking(true) : onClose())}
        cancelButtonProps={{ onClick: onClose }}
        afterOpenChange={(open) => open && focusFirst(form, "name")}
        footer={(buttons) => (
          <>
            {notice}
            {buttons}
          </>
        )}
        destroyOnHidden
      >
        {children}
      </Modal>
      <Modal
        open={isAsking}
        title={t("dialog.discardQuestion")}
        width={420}
        okText={t("dialog.discard")}
        okButtonProps={{ danger: true }}
        onOk={onClose}
        footer={(_, { OkBtn }) => (
          <>
            <Button ref={keep} onClick={() => setIsAsking(false)}>
              {t("dialog.keepEditing")}
            </Button>
            <OkBtn />
          </>
        )}
        afterOpenChange={(open) => open && keep.current?.focus()}
        onCancel={() => setIsAsking(false)}
        destroyOnHidden
      >
        {t("dialog.discardMeans")}
      </Modal>
    </>
  );
}
