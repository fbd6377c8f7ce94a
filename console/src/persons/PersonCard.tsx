import { useMutation } from "@tanstack/react-query";
import { Button, Card, Descriptions, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, type Schemas } from "../api/client";
import { DeleteOutlined, DownloadOutlined } from "../ui/icons";
import { ProblemAlert } from "../ui/ProblemView";
import { EraseDialog } from "./EraseDialog";
import { ErasureReport } from "./ErasureReport";
import { saveFile } from "./saveFile";

interface Props {
  number: string;
  person: Schemas["PersonalData"];
}

const counts = ["sends", "open_sends", "inbound", "opt_outs", "opt_out_changes", "audit_entries"] as const;

/** PersonCard shows how much is stored about a person, with the export and the erasure. */
export function PersonCard({ number, person }: Props) {
  const { t, i18n } = useTranslation();
  const format = new Intl.NumberFormat(i18n.language);
  const [isAsking, setAsking] = useState(false);
  const [erasure, setErasure] = useState(person.erasure?.id);
  const download = useMutation({
    mutationFn: () => answered(api.POST("/v1/exports", { body: { to: number }, parseAs: "blob" })),
    onSuccess: (file) => saveFile(file, `person-${new Date().toISOString().slice(0, 10)}.json`),
  });
  return (
    <Card size="small" title={<h2>{t("persons.stored", { number })}</h2>}>
      <Descriptions
        size="small"
        column={1}
        items={counts.map((name) => ({
          key: name,
          label: t(`persons.counts.${name}`),
          children: format.format(person[name]),
        }))}
      />
      <Space wrap className="person-actions">
        <Button icon={<DownloadOutlined />} loading={download.isPending} onClick={() => download.mutate()}>
          {t("persons.export")}
        </Button>
        <Button danger icon={<DeleteOutlined />} disabled={Boolean(erasure)} onClick={() => setAsking(true)}>
          {t("persons.erase")}
        </Button>
      </Space>
      {download.error && <ProblemAlert error={download.error} />}
      {erasure && <ErasureReport id={erasure} />}
      {isAsking && (
        <EraseDialog
          number={number}
          person={person}
          onClose={() => setAsking(false)}
          onErased={(id) => {
            setErasure(id);
            setAsking(false);
          }}
        />
      )}
    </Card>
  );
}
