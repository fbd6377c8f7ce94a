import { Button, Modal, Radio } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

/** EditField is a field of a form, as a text for people. Equal texts mean equal values. */
export interface EditField<Draft> {
  name: keyof Draft;
  label: string;
  show: (values: Draft) => string;
}

interface Props<Draft> {
  fields: EditField<Draft>[];
  original: Draft; // before the edit
  mine: Draft;
  stored: Draft; // that somebody else has saved meanwhile
  onResolve: (values?: Draft) => void; // without values, the edit goes on as it is
}

type Side = "mine" | "stored";

/**
 * Conflict shows the fields in which two edits differ. A field that one side has changed has that side's value unless the user
 * chooses otherwise. For a field that both have changed the user has to choose.
 */
export function Conflict<Draft>({ fields, original, mine, stored, onResolve }: Props<Draft>) {
  const { t } = useTranslation();
  const differing = fields.filter(({ show }) => show(mine) !== show(stored));
  const [chosen, setChosen] = useState(() => proposed(differing, original, mine, stored));
  const merged = () => {
    const values = { ...mine };
    for (const { name } of differing) {
      values[name] = (chosen.get(name) === "stored" ? stored : mine)[name];
    }
    return values;
  };
  return (
    <Modal
      open
      className="edit-dialog"
      title={t("dialog.conflict")}
      width={680}
      onCancel={() => onResolve()}
      footer={
        <div className="conflict-actions">
          <Button onClick={() => onResolve(stored)}>{t("dialog.takeTheirs")}</Button>
          <Button onClick={() => onResolve(mine)}>{t("dialog.keepMine")}</Button>
          <Button
            type="primary"
            disabled={differing.some(({ name }) => !chosen.has(name))}
            onClick={() => onResolve(merged())}
          >
            {t("dialog.takeChosen")}
          </Button>
        </div>
      }
    >
      <p>{t(differing.length > 0 ? "dialog.conflictMeans" : "dialog.noDifference")}</p>
      {differing.map(({ name, label, show }) => (
        <fieldset key={String(name)} className="conflict">
          <legend>{label}</legend>
          <span className="conflict-original">
            <small>{t("dialog.original")}</small>
            <span>{show(original)}</span>
          </span>
          <Radio.Group
            value={chosen.get(name)}
            onChange={({ target }) => setChosen(new Map(chosen).set(name, target.value as Side))}
            options={[
              { value: "mine", label: <Side title={t("dialog.mine")} text={show(mine)} /> },
              { value: "stored", label: <Side title={t("dialog.stored")} text={show(stored)} /> },
            ]}
          />
        </fieldset>
      ))}
    </Modal>
  );
}

function Side({ title, text }: { title: string; text: string }) {
  return (
    <>
      <small>{title}</small> <span>{text}</span>
    </>
  );
}

function proposed<Draft>(fields: EditField<Draft>[], original: Draft, mine: Draft, stored: Draft) {
  const sides = new Map<keyof Draft, Side>();
  for (const { name, show } of fields) {
    if (show(stored) === show(original)) {
      sides.set(name, "mine");
    } else if (show(mine) === show(original)) {
      sides.set(name, "stored");
    }
  }
  return sides;
}
