import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Form, Modal, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, type Schemas } from "../api/client";
import type { KeyItem } from "../api/queries";
import { invalidateItems } from "../ui/invalidateItems";
import { ProblemAlert } from "../ui/ProblemView";
import { duration } from "../ui/time";
import { useFocusReturn } from "../ui/useFocusReturn";

const day = 86_400; // s
const overlaps = [0, 3_600, day, 7 * day, 30 * day]; // the last is the most that the API allows

interface Props {
  item: KeyItem;
  onRotated: (made: Schemas["NewKey"]) => void;
  onClose: () => void;
}

/** RotateDialog gives a key a new secret, and asks how long the present one stays valid. */
export function RotateDialog({ item, onRotated, onClose }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  useFocusReturn();
  const [overlap, setOverlap] = useState(day);
  const rotate = useMutation({
    mutationFn: () => {
      const body = { keep_former_seconds: overlap };
      return answered(api.POST("/v1/keys/{id}/rotate", { params: { path: { id: item.id } }, body }));
    },
    onSuccess: (made) => {
      onClose();
      onRotated(made);
    },
    onSettled: () => invalidateItems(client),
  });
  return (
    <Modal
      open
      title={t("keys.rotateNamed", { name: item.name })}
      okText={t("keys.rotate")}
      okButtonProps={{ loading: rotate.isPending }}
      onOk={() => rotate.mutate()}
      onCancel={onClose}
    >
      <p>{t("keys.rotateMeans")}</p>
      <Form layout="vertical">
        <Form.Item label={t("keys.overlap")} htmlFor="overlap">
          <Select<number>
            id="overlap"
            value={overlap}
            onChange={setOverlap}
            options={overlaps.map((value) => ({ value, label: value ? duration(value, t) : t("keys.noOverlap") }))}
          />
        </Form.Item>
      </Form>
      {rotate.error && <ProblemAlert error={rotate.error} />}
    </Modal>
  );
}
