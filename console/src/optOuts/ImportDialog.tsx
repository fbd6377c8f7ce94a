import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Modal } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ProblemError } from "../api/client";
import { optOutsKey } from "../api/queries";
import { ProblemAlert } from "../ui/ProblemView";
import { fieldText } from "../ui/problemTexts";
import { useFocusReturn } from "../ui/useFocusReturn";

const maxBytes = 8 << 20; // the API's limit

/** ImportDialog adds the entries of a CSV file: all, or none if a line is wrong. It lists the wrong lines. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  useFocusReturn();
  const field = useId();
  const [file, setFile] = useState<File>();
  const upload = useMutation({
    mutationFn: (body: File) =>
      answered(
        api.POST("/v1/opt-outs.csv", {
          body: body as unknown as string, // the file itself
          bodySerializer: (given) => given as unknown as BodyInit,
          headers: { "Content-Type": "text/csv" },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: [optOutsKey] }),
  });
  const isLarge = (file?.size ?? 0) > maxBytes;
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <Modal
      open
      title={t("optOuts.import")}
      width={620}
      onCancel={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("accounts.close")}</Button>
          <Button
            type="primary"
            disabled={!file || isLarge}
            loading={upload.isPending}
            onClick={() => file && upload.mutate(file)}
          >
            {t("optOuts.importNow")}
          </Button>
        </>
      }
    >
      <p>{t("optOuts.importMeans")}</p>
      <pre className="csv-example">{"to,category,note\n+447400123456,marketing,by phone"}</pre>
      <label htmlFor={field}>{t("optOuts.file")}</label>
      <input
        id={field}
        className="file-input"
        type="file"
        accept=".csv,text/csv"
        onChange={(event) => {
          setFile(event.target.files?.[0]);
          upload.reset();
        }}
      />
      {isLarge && <Alert className="problem" type="error" showIcon title={t("optOuts.fileTooLarge")} />}
      {upload.data && (
        <Alert
          className="problem"
          type="success"
          showIcon
          role="status"
          title={t("optOuts.imported", {
            added: number.format(upload.data.added),
            entries: number.format(upload.data.entries),
          })}
        />
      )}
      {upload.error && <WrongLines error={upload.error} />}
    </Modal>
  );
}

const lineOf = /^lines\.([0-9]+)(?:\.(.+))?$/;

/** WrongLines lists the lines that the API refuses. Another error is shown as it is. */
function WrongLines({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const fields = (error instanceof ProblemError && error.problem?.status === 422 && error.problem.errors) || [];
  const lines = fields.flatMap((wrong) => {
    const [, line, column] = lineOf.exec(wrong.field) ?? [];
    return line ? [{ key: wrong.field, line, column, text: fieldText(wrong, t) }] : [];
  });
  if (lines.length === 0) {
    return <ProblemAlert error={error} />;
  }
  return (
    <Alert
      className="problem"
      type="error"
      showIcon
      role="alert"
      title={t("optOuts.wrongLines")}
      description={
        <ul className="problem-fields wrong-lines">
          {lines.map(({ key, line, column, text }) => (
            <li key={key}>
              {t("optOuts.line", { line })} {column && <code>{column}</code>} {text}
            </li>
          ))}
        </ul>
      }
    />
  );
}
