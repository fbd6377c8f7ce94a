import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Form, Input, Modal, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { optOutsKey } from "../api/queries";
import { bareNumber, checkRecipient, validator } from "../rules/checks";
import { focusFirst } from "../ui/focusFirst";
import { showFieldErrors } from "../ui/formErrors";
import { ProblemAlert } from "../ui/ProblemView";
import { useFocusReturn } from "../ui/useFocusReturn";
import { type Category, categories } from "./useOptOutsFilter";

interface Draft {
  to?: string;
  category: Category;
  note?: string;
}

const fields = ["to", "category", "note"];

/** AddDialog adds an entry to the list of opt-outs. */
export function AddDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  useFocusReturn();
  const [form] = Form.useForm<Draft>();
  const [failure, setFailure] = useState<unknown>();
  const add = useMutation({
    mutationFn: ({ to, category, note }: Draft) =>
      answered(
        api.PUT("/v1/opt-outs", { body: { to: bareNumber(to), category, ...(note?.trim() && { note: note.trim() }) } }),
      ),
    onMutate: () => setFailure(undefined),
    onSuccess: ({ to }) => {
      client.invalidateQueries({ queryKey: [optOutsKey] });
      message.success(t("optOuts.added", { number: to }));
      onClose();
    },
    onError: (error) => setFailure(showFieldErrors(form, error, (path) => (fields.includes(path) ? path : undefined))),
  });
  return (
    <Modal
      open
      title={t("optOuts.add")}
      okText={t("dialog.add")}
      okButtonProps={{ htmlType: "submit", form: "opt-out", loading: add.isPending, "aria-disabled": add.isPending }}
      onCancel={onClose}
      afterOpenChange={(open) => open && focusFirst(form, "to")}
    >
      <p>{t("optOuts.addMeans")}</p>
      <Form<Draft>
        name="opt-out"
        form={form}
        layout="vertical"
        initialValues={{ category: "all" }}
        onFinish={(draft) => add.isPending || add.mutate(draft)}
        scrollToFirstError={{ focus: true }}
      >
        <Form.Item
          name="to"
          label={t("optOuts.number")}
          required
          rules={[validator((to: string | undefined) => checkRecipient(bareNumber(to), t))]}
          validateDebounce={400}
        >
          <Input type="tel" placeholder="+447400123456" autoComplete="off" />
        </Form.Item>
        <Form.Item name="category" label={t("optOuts.category")} extra={t("optOuts.categoryMeans")}>
          <Select options={categories.map((value) => ({ value, label: t(`optOuts.categories.${value}`) }))} />
        </Form.Item>
        <Form.Item name="note" label={t("optOuts.note")} extra={t("optOuts.noteMeans")}>
          <Input maxLength={constraints.OptOutInput.note.maxLength} autoComplete="off" />
        </Form.Item>
      </Form>
      {failure !== undefined && <ProblemAlert error={failure} />}
    </Modal>
  );
}
