import { Button, Form, Modal } from "antd";
import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Conflict, type EditField } from "./Conflict";
import { focusFirst } from "./focusFirst";
import { ProblemAlert } from "./ProblemView";
import type { Edit, Item } from "./useEdit";
import { useFocusReturn } from "./useFocusReturn";

interface Props<T extends Item, Draft> {
  edit: Edit<T, Draft>;
  name: string; // of the form, in the ids of its fields
  first?: string; // the field that gets the focus
  opener?: Element | null; // what gets the focus after it, if not what has it now
  title: string;
  width: number;
  fields: EditField<Draft>[]; // to compare with a version that somebody else has saved
  onClose: () => void;
  children: ReactNode; // the fields
}

/** EditDialog is the frame of a form: Enter saves, and each exit but Cancel asks before it drops changes. */
export function EditDialog<T extends Item, Draft>({
  edit,
  name,
  first = "name",
  opener,
  title,
  width,
  fields,
  onClose,
  children,
}: Props<T, Draft>) {
  const { form, base, initialValues, valuesOf, theirs, failure, save, resolve, isChanged } = edit;
  const { t } = useTranslation();
  const [isAsking, setIsAsking] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  useFocusReturn(opener);
  return (
    <>
      <Modal
        open
        className="edit-dialog"
        title={title}
        width={width}
        okText={t(base ? "dialog.save" : "dialog.add")}
        // Enter in a field presses the submit button of its form, which is outside the form's element.
        okButtonProps={{ htmlType: "submit", form: name, loading: save.isPending, "aria-disabled": save.isPending }}
        onCancel={() => (isChanged() ? setIsAsking(true) : onClose())}
        cancelButtonProps={{ onClick: onClose }}
        afterOpenChange={(open) => open && focusFirst(form, first)}
        footer={(buttons) => (
          <>
            {failure !== undefined && <ProblemAlert error={failure} />}
            {buttons}
          </>
        )}
        destroyOnHidden
      >
        <Form<Draft>
          name={name}
          form={form}
          layout="vertical"
          initialValues={initialValues as object}
          onFinish={save.mutate}
          scrollToFirstError={{ focus: true }}
        >
          {children}
        </Form>
      </Modal>
      {base && theirs && (
        <Conflict
          fields={fields}
          original={valuesOf(base)}
          mine={form.getFieldsValue() as Draft}
          stored={valuesOf(theirs)}
          onResolve={resolve}
        />
      )}
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
        afterOpenChange={(open) => {
          if (open) {
            keep.current?.focus();
          } else if (document.activeElement === document.body) {
            focusFirst(form, first); // without a focus in it the dialog does not hear Esc
          }
        }}
        onCancel={() => setIsAsking(false)}
        destroyOnHidden
      >
        {t("dialog.discardMeans")}
      </Modal>
    </>
  );
}
